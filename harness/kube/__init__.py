"""Kubernetes: the only package that talks to an API server."""

from harness.kube.api import Refused as Refused
from harness.kube.client import Kube as Kube
from harness.kube.manifests import Manifest as Manifest
from harness.kube.manifests import load as load
from harness.kube.manifests import load_job as load_job
from harness.kube.namespace import Namespace as Namespace
from harness.kube.records import Container as Container
from harness.kube.records import Event as Event
from harness.kube.records import Job as Job
from harness.kube.records import Node as Node
from harness.kube.records import Pod as Pod
from harness.kube.streams import Lines as Lines
