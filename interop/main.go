// Command interop is GoFrame's side of the tests and benchmarks of gsession: the published GoFrame,
// driven by orders (driver), behind HTTP (serve), writing what it writes (record, write) or reading it
// (read-until), and measured (bench).
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// commands by their names. Each is given the arguments that follow its name.
var commands = map[string]func(arguments []string) error{
	"bench":      func(arguments []string) error { return measure(only(arguments)) },
	"driver":     func([]string) error { return drive(os.Stdin, os.Stdout) },
	"read-until": func(arguments []string) error { return readUntil(arguments, os.Stdout) },
	"record":     func(arguments []string) error { return record(only(arguments), os.Stdout) },
	"serve":      func(arguments []string) error { return serve(only(arguments), os.Stdin, os.Stdout) },
	"write":      func(arguments []string) error { return write(arguments, os.Stdout) },
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) > 0 {
		if command, ok := commands[arguments[0]]; ok {
			return command(arguments[1:])
		}
	}
	names := slices.Sorted(maps.Keys(commands))
	return fmt.Errorf("expected one of the commands %s", strings.Join(names, ", "))
}

func only(arguments []string) string {
	if len(arguments) != 1 {
		return ""
	}
	return arguments[0]
}
