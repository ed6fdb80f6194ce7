package journal

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/internal/fault"
)

func TestRoundTrip(t *testing.T) {
	dir := newDir(t)
	j := open(t, Options{Dir: dir})
	want := []Record{
		appendRecord(t, j, Record{Actor: daemon(), Type: "daemon.started"}),
		appendRecord(t, j, Record{
			Actor: Actor{UID: 0, GID: 0, PID: 4711, User: "root", Role: "admin"},
			Type:  "step.intent", App: "capakraken", Rollout: "01J0", Step: "restart",
			Data: json.RawMessage(` {"b": [1, 2.50, {"y":null,"x":"ä\u0000\n\"<\/"}], "a": true} `),
		}),
		appendRecord(t, j, Record{Actor: Actor{UID: 1000, GID: 100}, Type: "tab\tand \\ and \u0001"}),
	}
	if got := string(want[1].Data); got != `{"a":true,"b":[1,2.50,{"x":"ä\u0000\n\"</","y":null}]}` {
		t.Errorf("canonical data is %s", got)
	}
	for _, stage := range []string{"while open", "after reopening"} {
		if got := collect(t, j, 1); !slices.EqualFunc(got, want, sameRecord) {
			t.Errorf("%s: got %+v, want %+v", stage, got, want)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, Options{Dir: dir})
	}
	if got := collect(t, j, 3); len(got) != 1 || got[0].Actor != want[2].Actor || !got[0].Time.Equal(want[2].Time) {
		t.Errorf("from 3: %+v", got)
	}
	if got := collect(t, j, 4); got != nil {
		t.Errorf("from behind the head: %+v", got)
	}
}

func TestFormatIsFixed(t *testing.T) {
	// These bytes are the format of version 1. A change here is a new version.
	r := Record{
		V: 1, Seq: 7, Time: time.Date(2026, 3, 30, 14, 0, 0, 1500, time.FixedZone("", 7200)),
		Actor: Actor{UID: 0, GID: 5, PID: 9, User: "root", Role: "admin"}, Type: "step.intent",
		App: "capakraken", Rollout: "r1", Step: "pull", Data: json.RawMessage(`{"b":1,"a":"x"}`), Prev: zeroHash,
	}
	line, err := r.Line()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"v":1,"seq":7,"time":"2026-03-30T12:00:00.000001500Z","actor":{"uid":0,"gid":5,"pid":9,"user":"root","role":"admin"},` +
		`"type":"step.intent","app":"capakraken","rollout":"r1","step":"pull","data":{"a":"x","b":1},"prev":"` + zeroHash + `","crc":"8c5c26ac"}` + "\n"
	if string(line) != want {
		t.Errorf("got  %swant %s", line, want)
	}
}

func TestClockSetBack(t *testing.T) {
	now := time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)
	j := open(t, Options{Dir: newDir(t), Now: func() time.Time { return now }})
	first := appendRecord(t, j, Record{Actor: daemon(), Type: "a"})
	now = now.Add(-time.Hour)
	if second := appendRecord(t, j, Record{Actor: daemon(), Type: "b"}); !second.Time.Equal(first.Time) {
		t.Errorf("%v after %v", second.Time, first.Time)
	}
	now = now.Add(2 * time.Hour)
	if third := appendRecord(t, j, Record{Actor: daemon(), Type: "c"}); !third.Time.Equal(now) {
		t.Errorf("%v, want %v", third.Time, now)
	}
}

func TestUnfitRecords(t *testing.T) {
	dir := newDir(t)
	j := open(t, Options{Dir: dir})
	for name, r := range map[string]Record{
		"no type":         {Actor: daemon()},
		"no actor":        {Type: "a"},
		"negative uid":    {Type: "a", Actor: Actor{UID: -1, User: "x"}},
		"field not UTF-8": {Type: "a", Actor: daemon(), App: "\xff"},
		"user not UTF-8":  {Type: "a", Actor: Actor{User: "\xff"}},
		"data not UTF-8":  {Type: "a", Actor: daemon(), Data: json.RawMessage("{\"a\":\"\xff\"}")},
		"data not JSON":   {Type: "a", Actor: daemon(), Data: json.RawMessage(`{"a":hunter2hunter2}`)},
		"two objects":     {Type: "a", Actor: daemon(), Data: json.RawMessage(`{}{}`)},
		"no object":       {Type: "a", Actor: daemon(), Data: json.RawMessage(`["hunter2hunter2"]`)},
		"key twice":       {Type: "a", Actor: daemon(), Data: json.RawMessage(`{"a":{"hunter2hunter2":1,"hunter2hunter\u0032":2}}`)},
		"too deep":        {Type: "a", Actor: daemon(), Data: json.RawMessage(strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70))},
		"too long":        {Type: "a", Actor: daemon(), Data: json.RawMessage(`{"a":"` + strings.Repeat("hunter2hunter2", 20000) + `"}`)},
	} {
		_, err := j.Append(r)
		wantKind(t, err, fault.Internal)
		if strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "nothing was written") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := j.Failed(); err != nil {
		t.Errorf("an unfit record failed the journal: %v", err)
	}
	longest := MaxLine - len(read(t, segmentFiles(t, dir)[0])) - 300
	r := appendRecord(t, j, Record{Type: "a", Actor: daemon(), Data: json.RawMessage(`{"a":"` + strings.Repeat("x", longest) + `"}`)})
	if got := collect(t, j, 1); len(got) != 1 || !sameRecord(got[0], r) {
		t.Error("a long record is not read back")
	}
	if null := appendRecord(t, j, Record{Type: "a", Actor: daemon(), Data: json.RawMessage(" null ")}); null.Data != nil {
		t.Errorf("null became %s", null.Data)
	}
}

func TestRotation(t *testing.T) {
	dir := newDir(t)
	j := open(t, Options{Dir: dir, SegmentBytes: 1000})
	for range 4 { // reopening goes on in the last segment
		fill(t, j, 6)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, Options{Dir: dir, SegmentBytes: 1000})
	}
	files := segmentFiles(t, dir)
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil || info.Size() > 1000 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v bytes, mode %v, %v", path, info.Size(), info.Mode(), err)
		}
	}
	if n := len(files); n < 5 || n > 8 {
		t.Errorf("%d segments for 24 records", n)
	}
	if r, err := Verify(dir); err != nil || r.Records != 24 || r.Segments != len(files) {
		t.Errorf("%+v, %v", r, err)
	}
}
