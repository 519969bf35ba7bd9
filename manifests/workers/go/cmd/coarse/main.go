// Takes one message from RabbitMQ.
package main

import "queuejob.invalid/workers/coarse"

func main() { coarse.Main(coarse.AckLast) }
