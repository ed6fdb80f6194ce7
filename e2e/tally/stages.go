package main

import "strings"

// stage is one command. One that prints the JSON of go test is counted test by test, any other by its exit status.
type stage struct {
	name string
	argv []string
	json bool
}

func (s stage) String() string { return strings.Join(s.argv, " ") }

func goTest(name string, args ...string) stage {
	return stage{name: name, argv: append([]string{"go", "test", "-json"}, args...), json: true}
}

var stages = map[string][]stage{
	"full": {
		goTest("all tests, race detector", "-race", "-shuffle=on", "-timeout", "90m", "-tags", "e2e full", "./..."),
		goTest("fault points", "-race", "-count=1", "-tags", "failpoint", "./internal/failpoint"),
		{name: "fuzzers", argv: []string{"make", "--no-print-directory", "fuzz"}},
	},
	"soak": {
		goTest("deaths of the machine", "-count=1", "-timeout", "2h", "-tags", "soak full",
			"-run", "Soak|DeathAtEveryAppend|DiskFailsAtEveryWrite|PowerCutAtEveryAppend", "./internal/..."),
		goTest("deaths on real parts", "-count=1", "-timeout", "3h", "-tags", "e2e full soak", "-run", "Soak|EveryPoint", "./e2e/..."),
	},
}
