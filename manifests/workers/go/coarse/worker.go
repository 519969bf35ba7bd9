// Package coarse takes exactly one message from RabbitMQ, works on it and acknowledges it. It keeps
// what ../../reference/coarse/worker.py keeps, in the same way.
package coarse

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"queuejob.invalid/workers/settings"
)

// Order says when a message is acknowledged.
type Order int

const (
	// AckLast is right: after the work.
	AckLast Order = iota
	// AckFirst loses the message of a worker that dies at its work.
	AckFirst
)

const (
	consumer = "worker"
	stopped  = 128 + int(syscall.SIGTERM)
)

var (
	errFailed  = errors.New("the message goes back to the queue")
	errStopped = errors.New("told to stop")
)

// work is the work on one message: yours goes here.
func work(item string) error {
	time.Sleep(settings.Seconds(settings.Number("ITEM_SECONDS", 10)))
	if failing, set := os.LookupEnv("FAIL_ITEM"); set && item == failing {
		return errors.New("this item cannot be worked on")
	}
	return nil
}

// Main is the whole program; its settings come from the environment. It exits with 0 when one
// message was worked on and acknowledged.
func Main(order Order) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	err := processOne(os.Getenv("BROKER_URL"), settings.Text("QUEUE", "job1"), order, stop)
	if errors.Is(err, errStopped) {
		os.Exit(stopped)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// processOne takes one message and works on it; without an error it is done and acknowledged.
func processOne(url, name string, order Order, stop <-chan os.Signal) error {
	connection, err := connect(url)
	if err != nil {
		return err
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		return err
	}
	closed := channel.NotifyClose(make(chan *amqp.Error, 1))
	message, err := take(channel, name, stop)
	if err != nil {
		return err
	}
	if order == AckFirst {
		if err := message.Ack(false); err != nil {
			return err
		}
	}
	failure, err := attempt(string(message.Body), closed, stop)
	if err != nil {
		return err
	}
	if order == AckLast {
		if err := settle(message, failure); err != nil {
			return err
		}
	}
	// A settlement has no answer, but this has: it comes after the broker has taken it, or refused.
	if err := channel.Close(); err != nil {
		return err
	}
	if refused := <-closed; refused != nil {
		return refused
	}
	return failure
}

func connect(url string) (*amqp.Connection, error) {
	for attempts := 1; ; attempts++ {
		connection, err := amqp.Dial(url)
		if err == nil || attempts == 5 {
			return connection, err
		}
		time.Sleep(3 * time.Second)
	}
}

// take waits for a message.
func take(channel *amqp.Channel, name string, stop <-chan os.Signal) (amqp.Delivery, error) {
	var none amqp.Delivery
	if err := channel.Qos(1, 0, false); err != nil {
		return none, err
	}
	messages, err := channel.Consume(name, consumer, false, false, false, false, nil)
	if err != nil {
		return none, err
	}
	select {
	case message, open := <-messages:
		if !open {
			return none, fmt.Errorf("the queue %s is gone", name)
		}
		// No longer a consumer: nothing comes in after the acknowledgement.
		return message, channel.Cancel(consumer, false)
	case <-stop:
		return none, errStopped
	}
}

// attempt works on a message: failure says why it is not done, err that the broker is gone.
func attempt(item string, closed <-chan *amqp.Error, stop <-chan os.Signal) (failure, err error) {
	fmt.Printf("Processing %s\n", item)
	result := make(chan error, 1)
	go func() { result <- work(item) }()
	select {
	case cause := <-result:
		if cause != nil {
			fmt.Fprintf(os.Stderr, "Failed %s: %v\n", item, cause)
			return errFailed, nil
		}
		// First, so that who watches can tell that the acknowledgement came after the work.
		fmt.Printf("Done %s\n", item)
		return nil, nil
	case <-stop:
		return errStopped, nil
	case lost := <-closed:
		return nil, fmt.Errorf("RabbitMQ: %w", lost)
	}
}

func settle(message amqp.Delivery, failure error) error {
	if failure != nil {
		return message.Nack(false, true)
	}
	return message.Ack(false)
}
