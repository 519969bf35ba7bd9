// Package settings reads a worker's settings from the environment.
package settings

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// Text is the variable's value, or otherwise where it is not set.
func Text(name, otherwise string) string {
	if value, set := os.LookupEnv(name); set {
		return value
	}
	return otherwise
}

// Number is the variable's value, or otherwise where it is not set; no number ends the process.
func Number(name string, otherwise float64) float64 {
	value, set := os.LookupEnv(name)
	if !set {
		return otherwise
	}
	parsed, err := strconv.ParseFloat(value, 64)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s is %q: a number is expected\n", name, value)
		os.Exit(1)
	}
	return parsed
}

// Seconds is a number of seconds as a duration.
func Seconds(number float64) time.Duration {
	return time.Duration(number * float64(time.Second))
}
