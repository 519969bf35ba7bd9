// Package fine works on the items of a Redis list until the queue is empty. It keeps what
// ../../reference/fine/worker.py keeps, in the same way.
package fine

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"queuejob.invalid/workers/settings"
)

const stopped = 128 + int(syscall.SIGTERM)

// work is the work on one item: yours goes here.
func work(item string) error {
	time.Sleep(settings.Seconds(settings.Number("ITEM_SECONDS", 10)))
	if failing, set := os.LookupEnv("FAIL_ITEM"); set && item == failing {
		return errors.New("this item cannot be worked on")
	}
	return nil
}

type worker struct {
	todo  *queue
	lease float64
	stop  chan os.Signal
}

// Main is the whole program; its settings come from the environment. It exits with 0 when the
// queue is empty.
func Main(scripts Scripts) {
	lease := settings.Number("LEASE_SECONDS", 10)
	w := worker{
		todo: newQueue(
			settings.Text("REDIS_HOST", "redis"), settings.Text("QUEUE", "job2"), lease,
			int(settings.Number("MAX_ATTEMPTS", 3)), scripts,
		),
		lease: lease,
		stop:  make(chan os.Signal, 1),
	}
	signal.Notify(w.stop, syscall.SIGTERM)
	w.drain()
	fmt.Println("Queue empty, exiting")
}

func (w worker) drain() {
	fmt.Println("Worker with sessionID:", w.todo.session)
	for {
		empty, err := w.todo.Empty()
		check(err)
		if empty {
			return
		}
		token, item, found, err := w.todo.Claim()
		check(err)
		if found {
			w.attempt(token, item)
			continue
		}
		fmt.Println("Waiting for work") // others have it, and may yet lose it
		select {
		case <-w.stop:
			os.Exit(stopped)
		case <-time.After(time.Second):
		}
	}
}

// attempt works on an item and reports it as done; it ends the process when that cannot be.
func (w worker) attempt(token, item string) {
	fmt.Printf("Working on %s\n", item)
	result := make(chan error, 1)
	go func() { result <- work(item) }()
	renewal := time.NewTicker(settings.Seconds(w.lease / 3))
	defer renewal.Stop()
	for {
		select {
		case <-renewal.C:
			live, err := w.todo.tell(w.todo.renew, token)
			check(err)
			if !live {
				// Others may have the item by now. Only the process's end surely ends the work.
				fail("Lost the lease on %s", item)
			}
		case <-w.stop:
			_, err := w.todo.tell(w.todo.breakOff, token)
			check(err)
			os.Exit(stopped)
		case err := <-result:
			w.report(token, item, err)
			return
		}
	}
}

func (w worker) report(token, item string, failure error) {
	if failure != nil {
		_, err := w.todo.tell(w.todo.giveBack, token)
		check(err)
		fail("Failed %s: %v", item, failure)
	}
	// First, so that who watches can tell that the report came after the work.
	fmt.Printf("Done %s\n", item)
	live, err := w.todo.tell(w.todo.complete, token)
	check(err)
	if !live {
		// Others may have it. (Or the report arrived, and the answer got lost.)
		fmt.Printf("Too late with %s\n", item)
	}
}

func check(err error) {
	if err != nil {
		fail("Redis: %v", err)
	}
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}
