// Takes items from a Redis list until the queue is empty.
package main

import "queuejob.invalid/workers/fine"

func main() { fine.Main(fine.Leased) }
