package engine

import (
	"strings"
	"testing"
)

func TestFollow(t *testing.T) {
	const stream = `{"status":"Pulling from app","id":"2.0.0"}
{"status":"Already exists","progressDetail":{},"id":"base"}
{"status":"Pulling fs layer","progressDetail":{},"id":"a"}
{"status":"Pulling fs layer","progressDetail":{},"id":"b"}
{"status":"Downloading","progressDetail":{"current":10,"total":100},"id":"a"}
{"status":"Downloading","progressDetail":{"current":7,"total":-1},"id":"b"}
{"status":"Verifying Checksum","progressDetail":{},"id":"a"}
{"status":"Download complete","progressDetail":{},"id":"b"}
{"status":"Extracting","progressDetail":{"current":50,"total":100},"id":"a"}
{"status":"Pull complete","progressDetail":{},"id":"a"}
{"status":"Pull complete","progressDetail":{},"id":"b"}
{"status":"Digest: sha256:feed"}
{"status":"Status: Downloaded newer image"}
`
	var told []Progress
	n, err := follow(strings.NewReader(stream), func(p Progress) { told = append(told, p) })
	if err != nil || n != 107 {
		t.Fatalf("%d bytes (%v)", n, err)
	}
	if last := told[len(told)-1]; last != (Progress{Done: 107, Total: 107, Layers: 2, Ready: 2}) {
		t.Errorf("the last is %+v", last)
	}
	for i := 1; i < len(told); i++ {
		if told[i] == told[i-1] {
			t.Errorf("%+v was told twice", told[i])
		}
	}
}

func TestFollowFindsTheErrorInTheStream(t *testing.T) {
	for _, stream := range []string{
		`{"status":"Pulling fs layer","id":"a"}{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}`,
		`{"error":"manifest unknown"}`,
		`{"status":"Pulling fs layer","id":"a"}{"stat`,
	} {
		if _, err := follow(strings.NewReader(stream), nil); err == nil {
			t.Errorf("%s is taken for success", stream)
		}
	}
}

func FuzzFollow(f *testing.F) {
	f.Add(`{"status":"Downloading","progressDetail":{"current":10,"total":100},"id":"a"}`)
	f.Add(`{"error":"x"}`)
	f.Add(`{"status":"Downloading","progressDetail":{"current":-1,"total":-5},"id":"a"}`)
	f.Fuzz(func(t *testing.T, stream string) {
		_, _ = follow(strings.NewReader(stream), func(p Progress) {
			if p.Ready > p.Layers {
				t.Errorf("impossible progress %+v", p)
			}
		})
	})
}
