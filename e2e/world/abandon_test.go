//go:build e2e

package world

// Abandon leaves the run as a kill would: nothing is removed, and its lock is free.
func (w *World) Abandon() error { return w.release() }
