// As coarse, with one defect: it acknowledges its message, and then works on it.
package main

import "queuejob.invalid/workers/coarse"

func main() { coarse.Main(coarse.AckFirst) }
