// Package failpoint has names for the places at which a daemon may die, so that a test can have it die exactly there.
// The code says Hit where it comes by a point. In a binary that is built without the tag failpoint, and so in every
// release, that is nothing: neither a call nor a name is left.
//
// With the tag, the environment says what happens at which point:
//
//	FAIRLEAD_FAILPOINT=replace-created:2=kill
//
// has the daemon kill itself when it comes by the point replace-created for the second time. It kills itself as the
// kernel would (kill), panics (panic), exits as if all was well (exit), or never goes on from there (stall). Several
// such orders are separated by commas; the point "any" stands for each of them. FAIRLEAD_FAILPOINT_LOG names a file to
// which the point's name is added, durably, before that happens.
package failpoint
