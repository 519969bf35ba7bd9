"""Kubernetes: the only package that sends requests to an API server."""

from harness.infra.kube.api import Refused as Refused
from harness.infra.kube.client import Kube as Kube
from harness.infra.kube.manifests import Manifest as Manifest
from harness.infra.kube.manifests import load as load
from harness.infra.kube.manifests import load_job as load_job
from harness.infra.kube.namespace import Namespace as Namespace
from harness.infra.kube.objects import Container as Container
from harness.infra.kube.objects import Job as Job
from harness.infra.kube.objects import Node as Node
from harness.infra.kube.objects import ObjectEvent as ObjectEvent
from harness.infra.kube.objects import Pod as Pod
from harness.infra.kube.streams import Lines as Lines
