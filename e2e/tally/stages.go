package main

import "strings"

// stage is one command. One that prints the JSON of go test is counted test by test, any other by its exit status.
type stage struct {
	name string
	argv []string
	json bool
	// mayskip is set where a test may find that the machine does not let it run.
	mayskip bool
	// floor is how many inputs a fuzzer must have executed to count; 0 for a stage that is none.
	floor int
}

func (s stage) String() string { return strings.Join(s.argv, " ") }

func goTest(name string, args ...string) stage {
	return stage{name: name, argv: append([]string{"go", "test", "-json"}, args...), json: true}
}

// withFuzzers names the sets of stages that every fuzzer of the module is a stage of as well, after the others.
func withFuzzers(set string) bool { return set == "full" || set == "fuzz" }

var stages = map[string][]stage{
	"test": {
		{name: "tests, race detector", json: true, mayskip: true,
			argv: []string{"go", "test", "-json", "-race", "-shuffle=on", "-timeout", "40m", "-tags", "e2e", "./..."}},
	},
	"full": {
		goTest("all tests, race detector", "-race", "-shuffle=on", "-timeout", "90m", "-tags", "e2e full", "./..."),
		goTest("fault points", "-race", "-count=1", "-tags", "failpoint", "./internal/failpoint"),
	},
	"fuzz": {},
	"soak": {
		goTest("deaths of the machine", "-count=1", "-timeout", "2h", "-tags", "soak full",
			"-run", "Soak|DeathAtEveryAppend|DiskFailsAtEveryWrite|PowerCutAtEveryAppend", "./internal/..."),
		goTest("deaths on real parts", "-count=1", "-timeout", "3h", "-tags", "e2e full soak", "-run", "Soak|EveryPoint", "./e2e/..."),
	},
}
