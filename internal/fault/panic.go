package fault

// Panic is a panic in one goroutine as the error with which whoever waits for that goroutine goes on. It holds where it
// happened and not what was said: that could hold a secret.
type Panic struct{ Stack []byte }

// Error says that there was one.
func (*Panic) Error() string { return "a bug in fairlead" }
