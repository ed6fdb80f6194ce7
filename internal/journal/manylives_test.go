package journal_test

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// No record that was acknowledged is ever lost or changed, whatever a disk that keeps its promises does with the rest;
// what a crash leaves is never taken for damage; and a snapshot never makes a difference.
func TestManyLives(t *testing.T) {
	t.Parallel()
	if text := os.Getenv("FAIRLEAD_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		live(t, seed, true, map[string]int{})
		return
	}
	manyLives(t, 0, 500)
}

// manyLives lives through a number of seeds, several at a time, and checks that together they have tried everything.
func manyLives(t *testing.T, first, number uint64) {
	const lanes = 4
	var mu sync.Mutex
	all := map[string]int{}
	t.Run("seeds", func(t *testing.T) {
		for lane := range uint64(lanes) {
			t.Run(strconv.FormatUint(lane, 10), func(t *testing.T) {
				t.Parallel()
				seen := map[string]int{}
				for seed := first + lane; seed < first+number; seed += lanes {
					live(t, seed, false, seen)
				}
				mu.Lock()
				defer mu.Unlock()
				for what, n := range seen {
					all[what] += n
				}
			})
		}
	})
	t.Attr("seeds", strconv.FormatUint(number, 10))
	for _, what := range []string{"append", "append failed", "adopted", "full", "found a record that was not acknowledged", "kill", "not opened",
		"not recovered", "not replayed", "power cut", "recovered", "reserve", "save", "segments", "snapshot trusted", "tear"} {
		if all[what] == 0 {
			t.Errorf("no seed has seen: %s", what)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(all)) {
		t.Logf("%6d %s", all[what], what)
		if slices.Contains([]string{"append", "kill", "power cut", "tear"}, what) {
			t.Attr(strings.ReplaceAll(what, " ", "-"), strconv.Itoa(all[what]))
		}
	}
}
