// Command interop is GoFrame's side of the tests of gsession: the published GoFrame, driven by
// orders (driver), behind HTTP (serve), or asked to write what it writes (record).
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "driver" {
		return drive(os.Stdin, os.Stdout)
	}
	if len(args) == 2 && args[0] == "serve" {
		return serve(args[1], os.Stdin, os.Stdout)
	}
	if len(args) == 2 && args[0] == "record" {
		return record(args[1], os.Stdout)
	}
	return fmt.Errorf("expected driver, serve OPTIONS or record REDIS-ADDRESS")
}
