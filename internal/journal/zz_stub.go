package journal

// HELPER J: delete each of these (and this file) as soon as you have the real one. Never commit this file.

import (
	"context"
	"time"
)

func (j *Journal) CheckTrusted(context.Context) error     { return nil }
func (j *Journal) Recover() (*Tear, error)                { return nil, j.Failed() }
func (j *Journal) Snapshot() (uint64, []byte)             { return 0, nil }
func (j *Journal) Save(uint64, []byte) error              { return nil }
func (j *Journal) Reserve(int64) error                    { return nil }
func (j *Journal) Before(time.Time) (uint64, error)       { return 1, nil }
