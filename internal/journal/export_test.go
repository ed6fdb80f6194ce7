package journal

// What the tests outside of the package use of those inside.
var (
	TestDaemon  = daemon
	TestClock   = clock
	TestOpen    = open
	TestAppend  = appendRecord
	TestFill    = fill
	TestCollect = collect
	TestKind    = wantKind
	TestSame    = sameRecord
)
