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

	TestVerify = verify
)

// OneByOne returns o for a journal that reads one segment after the other, as a test needs it whose disk leaves things
// to chance.
func OneByOne(o Options) Options {
	o.readers = 1
	return o
}
