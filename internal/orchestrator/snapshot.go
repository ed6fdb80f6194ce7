package orchestrator

import (
	"encoding/json"

	"go.uber.org/zap"

	"github.com/capakraken/fairlead/internal/failpoint"
	"github.com/capakraken/fairlead/internal/fault"
)

// snapshotEvery is after how many records a new snapshot is made.
const snapshotEvery = 5000

// snapshot is the ledger as it is saved. It only spares the next start the old records: without it, the same ledger is
// folded from the journal. One that another version made is not used, since that version may fold otherwise.
type snapshot struct {
	Version string `json:"version"`
	Level   int    `json:"level"`
	Ledger  ledger `json:"ledger"`
}

// restored returns the ledger that the journal's snapshot holds, and the last record that it covers; an empty one where
// there is none that can be used.
func restored(o Options) (*ledger, uint64) {
	seq, text := o.Journal.Snapshot()
	if seq == 0 {
		return newLedger(), 0
	}
	s := snapshot{Ledger: *newLedger()}
	if err := json.Unmarshal(text, &s); err != nil || s.Version != o.Version || s.Level != Level || s.Ledger.Seq != seq {
		o.Log.Info("the snapshot is not used; the whole journal is read")
		return newLedger(), 0
	}
	return &s.Ledger, seq
}

// save makes a snapshot of the ledger. The caller holds the pen. One that cannot be made is only logged: nothing
// depends on it. A journal that is damaged gets none, so that the next start reads all of it, and says where.
func (o *Orchestrator) save() {
	o.mu.Lock()
	damaged := o.damage != nil
	o.mu.Unlock()
	if damaged {
		return
	}
	text, err := json.Marshal(snapshot{Version: o.Version, Level: Level, Ledger: *o.ledger})
	if err == nil {
		o.onDisk(func() { err = o.Journal.Save(o.ledger.Seq, text) })
	}
	if err != nil {
		o.Log.Warn("the journal's snapshot could not be made; the next start takes longer", zap.String("why", fault.Text(err)))
		return
	}
	o.saved = o.ledger.Seq
	failpoint.Hit(failpoint.SnapshotSaved)
}

// saveSometimes makes a snapshot when many records have come since the last.
func (o *Orchestrator) saveSometimes() {
	if o.ledger.Seq-o.saved >= snapshotEvery {
		o.save()
	}
}
