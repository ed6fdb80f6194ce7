package workload

// Owned is a container that carries a daemon's labels, and the app that they name.
type Owned struct {
	Key       Key
	Container string
	Live      bool
}
