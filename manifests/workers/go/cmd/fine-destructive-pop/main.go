// As fine, with one defect: it pops an item and keeps nothing of it, so that a worker's death is
// the item's end. There is no lease to renew, to end or to give up.
package main

import "queuejob.invalid/workers/fine"

func main() {
	nothing := "return 1"
	fine.Main(fine.Scripts{
		Claim: "return redis.call('LPOP', ready)",
		Renew: nothing, Complete: nothing, GiveBack: nothing, BreakOff: nothing,
	})
}
