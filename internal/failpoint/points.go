package failpoint

// Point is a place in the code at which it makes a difference whether the daemon dies.
type Point string

// The points, in the order in which a rollout comes by them. Each stands behind what its line says, and before anything
// else.
const (
	// The daemon starts.
	StateHeld     Point = "state-held"      // the state directory and the instance's name are ours, the journal was not looked at
	KeyWritten    Point = "key-written"     // the host's key is written and synced, under a temporary name
	JournalOpened Point = "journal-opened"  // the journal is verified, and its torn end cut off
	StateFolded   Point = "state-folded"    // the journal is folded, nothing is written
	SocketBound   Point = "socket-bound"    // requests queue up on the socket, nobody answers
	StartNoted    Point = "start-noted"     // the start is recorded, no rollout goes on yet
	HostSeen      Point = "host-was-seen"   // what runs of an app was looked at, nothing is recorded of it
	AdoptNoted    Point = "adopt-noted"     // that what runs is the current release, of which the journal did not know, is recorded
	LossNoted     Point = "loss-noted"      // that a person has to look at what runs is recorded
	AbandonNoted  Point = "abandon-noted"   // that the host has left a rollout behind is recorded
	ResumeNoted   Point = "resume-noted"    // that a rollout goes on is recorded, its worker does not run
	DaemonReady   Point = "daemon-is-ready" // the rollouts go on, nobody is answered

	// The journal writes.
	RoomReserved    Point = "room-is-reserved" // room for a rollout's records is set aside
	AppendBegun     Point = "append-begun"     // the record is made, nothing is written
	Written         Point = "written-unsynced" // the kernel has what was written, the disk may not
	AppendSynced    Point = "append-synced"    // the record is durable, and nobody knows
	SegmentCreated  Point = "segment-created"  // the next segment's file is made, its name is not durable
	SegmentNamed    Point = "segment-named"    // the next segment is durable and empty
	TearCut         Point = "tear-cut"         // a torn end was cut off, which is not durable yet
	TailSettled     Point = "tail-settled"     // the last record was written anew and synced
	SnapshotWritten Point = "snapshot-written" // the new snapshot is durable under a temporary name
	SnapshotRenamed Point = "snapshot-renamed" // it has taken the old one's place, which is not durable yet
	SnapshotSaved   Point = "snapshot-saved"   // it has

	// A request comes.
	RequestAdmitted Point = "request-admitted" // nothing stands against the rollout, it is not recorded
	RequestNoted    Point = "request-noted"    // the rollout is recorded, its worker does not run, nobody was told
	CancelAdmitted  Point = "cancel-admitted"  // the rollout can be cancelled, that is not recorded
	CancelNoted     Point = "cancel-noted"     // the cancel is recorded, the action under way goes on
	LockAdmitted    Point = "lock-admitted"    // an app may be locked or unlocked, that is not recorded
	LockNoted       Point = "lock-noted"       // a lock or its end is recorded, nobody was told

	// A worker moves a rollout.
	ActionChosen Point = "action-chosen" // the next action is known, its intent is not recorded
	IntentNoted  Point = "intent-noted"  // the intent is recorded, nothing is done
	ActionOver   Point = "action-over"   // the action has ended, its result is not recorded
	ResultNoted  Point = "result-noted"  // the result is recorded, the next action is not known
	EndNoted     Point = "end-noted"     // the rollout's end is recorded, nobody was told

	// validate
	BaselineSeen  Point = "baseline-seen"  // the containers were looked at
	ResidueSeen   Point = "residue-seen"   // so was the database
	ValidateBased Point = "baseline-asked" // what runs was asked how it is

	// pull
	TagResolved Point = "tag-resolved"  // the registry has named the digest
	PullAsked   Point = "pull-asked"    // the Engine is about to be asked for the image
	PullHeard   Point = "pull-answered" // the Engine says that it has the image

	// restart: pre_start
	OneOffMade     Point = "one-off-was-made"    // the one-off container is there and was not started, nothing is recorded of it
	OneOffStarting Point = "one-off-starting"    // the Engine is about to be asked to start it
	OneOffStarted  Point = "one-off-was-started" // it runs, nobody has looked
	OneOffStopped  Point = "one-off-was-stopped" // it has ended, and is to go
	OneOffRemoved  Point = "one-off-was-removed" // it is gone

	// restart: replace
	ReplaceChecked   Point = "replace-checked"   // the environment is the one that was validated
	ReplaceCreating  Point = "replace-creating"  // there is no new container, the Engine is about to be asked for one
	ReplaceCreated   Point = "replace-created"   // the new container is there, nobody has looked at it
	ReplaceConnected Point = "replace-connected" // it is on one more network
	ReplacePrepared  Point = "replace-prepared"  // it has its networks and environment, the old one is as it was
	OldRenamed       Point = "old-was-renamed"   // the old container runs under the name that it is kept under
	OldWoken         Point = "old-was-woken"     // a paused container runs again, so that it can be stopped
	OldStopped       Point = "old-was-stopped"   // the old container has ended, with its old restart policy
	OldDisarmed      Point = "old-was-disarmed"  // its restart policy is no
	ReplaceStarting  Point = "replace-starting"  // nothing of the service runs
	ReplaceStarted   Point = "replace-started"   // the new container runs

	// verify: prove, promote, retire
	VerifyProved   Point = "verify-proved"   // every service has proved itself
	VerifyLooked   Point = "verify-looked"   // and was still the same at the end
	PromoteBegun   Point = "promote-begun"   // the new container runs under its temporary name
	PromoteRenamed Point = "promote-renamed" // it has its final name
	PromoteArmed   Point = "promote-armed"   // and its restart policy
	RetireBegun    Point = "retire-begun"    // the old container is still kept
	RetireStopped  Point = "retire-stopped"  // it does not run
	RetireRemoved  Point = "retire-removed"  // it is gone

	// verify: keep
	KeepNamed   Point = "keep-named"   // an image has a name of ours
	KeepUnnamed Point = "keep-unnamed" // an image has lost the name that kept it
	KeepRemoved Point = "keep-removed" // and is gone

	// clear
	ClearProved    Point = "clear-proved"    // all that verify has proved was proved again
	ClearConnected Point = "clear-connected" // there is a session, and no transaction
	ClearLocked    Point = "clear-locked"    // the row is locked, read and compared
	ClearAsked     Point = "clear-asked"     // the containers were looked at once more with the row locked
	ClearUpdated   Point = "clear-updated"   // the columns are empty within the transaction
	ClearCommitted Point = "clear-committed" // they are empty, nobody has looked again
	ClearConfirmed Point = "clear-confirmed" // they were seen empty on a second connection

	// revert: restore, hold
	WordsKept      Point = "last-words-kept"    // the failed container's last lines are in memory
	RestoreBegun   Point = "restore-begun"      // the failed container is as it was
	RestoreStopped Point = "restore-stopped"    // it has ended
	RestoreRemoved Point = "restore-removed"    // it is gone, nothing of the service runs
	RestoreRenamed Point = "restore-renamed"    // the old container has its name again
	RestoreArmed   Point = "restore-armed"      // and its restart policy
	RestoreStarted Point = "restore-started"    // and runs
	RestorePaused  Point = "restore-paused"     // and is paused, as it was found
	RestoreLooked  Point = "restore-looked"     // the service is back, its failed container's words are not redacted
	RemakeStarted  Point = "remake-was-started" // an old container that somebody removed was made again, under a temporary name
	HoldHeld       Point = "hold-one-held"      // one restored service is what it was

	// The daemon stops.
	StopAsked     Point = "stop-was-asked"    // the signal came, everything goes on
	SuspendNoted  Point = "suspend-noted"     // that a rollout waits for the next daemon is recorded
	StopWaited    Point = "stop-waited"       // no worker runs any more, the stop is not recorded
	StopNoted     Point = "stop-noted"        // the stop is recorded
	DaemonStopped Point = "daemon-is-stopped" // nothing is written any more, the socket is still there
)

// Points returns all of them, in this order.
func Points() []Point {
	return []Point{
		StateHeld, KeyWritten, JournalOpened, StateFolded, SocketBound, StartNoted, HostSeen, AdoptNoted, LossNoted, AbandonNoted, ResumeNoted, DaemonReady,
		RoomReserved, AppendBegun, Written, AppendSynced, SegmentCreated, SegmentNamed, TearCut, TailSettled,
		SnapshotWritten, SnapshotRenamed, SnapshotSaved,
		RequestAdmitted, RequestNoted, CancelAdmitted, CancelNoted, LockAdmitted, LockNoted,
		ActionChosen, IntentNoted, ActionOver, ResultNoted, EndNoted,
		BaselineSeen, ResidueSeen, ValidateBased,
		TagResolved, PullAsked, PullHeard,
		OneOffMade, OneOffStarting, OneOffStarted, OneOffStopped, OneOffRemoved,
		ReplaceChecked, ReplaceCreating, ReplaceCreated, ReplaceConnected, ReplacePrepared, OldRenamed, OldWoken, OldStopped, OldDisarmed, ReplaceStarting, ReplaceStarted,
		VerifyProved, VerifyLooked, PromoteBegun, PromoteRenamed, PromoteArmed, RetireBegun, RetireStopped, RetireRemoved,
		KeepNamed, KeepUnnamed, KeepRemoved,
		ClearProved, ClearConnected, ClearLocked, ClearAsked, ClearUpdated, ClearCommitted, ClearConfirmed,
		WordsKept, RestoreBegun, RestoreStopped, RestoreRemoved, RestoreRenamed, RestoreArmed, RestoreStarted, RestorePaused, RestoreLooked, RemakeStarted, HoldHeld,
		StopAsked, SuspendNoted, StopWaited, StopNoted, DaemonStopped,
	}
}
