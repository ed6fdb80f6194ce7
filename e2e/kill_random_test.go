//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/rig"
)

// The daemon is killed at moments that nobody chose.
func TestKillAtRandom(t *testing.T) {
	t.Parallel()
	killAtRandom(t, 2, 5)
}

// killAtRandom carries out drills of all kinds, with kills at random, on several stages side by side.
func killAtRandom(t *testing.T, stages, drills int) {
	t.Helper()
	seed := uint64(number(t, "FAIRLEAD_E2E_SEED", int(time.Now().UnixNano()&0xffffffff)))
	t.Logf("the seed is %d; FAIRLEAD_E2E_SEED=%[1]d repeats the drills", seed)
	score := newScore(t)
	for stage := range stages {
		t.Run(fmt.Sprintf("stage %d", stage+1), func(t *testing.T) {
			k := settled(t, score, rig.Options{})
			lot := rand.New(rand.NewPCG(seed, uint64(stage)))
			for i := range drills {
				d := randomDrill(lot)
				k.subdrill(t, fmt.Sprintf("%d %s %s %v", i+1, d.kind, d.misbehave, d.kills), d, d.kills...)
			}
		})
	}
}

// randomDrill draws a drill by lot: its kind, how its image misbehaves, and one kill or two, the second of which may
// meet the daemon while it starts.
func randomDrill(lot *rand.Rand) drill {
	all := []drill{
		{kind: "deploy", outcome: "succeeded"},
		{kind: "deploy", outcome: "succeeded"},
		{kind: "deploy", misbehave: "crash", outcome: "rolled_back"},
		{kind: "deploy", misbehave: "worker:crash", outcome: "rolled_back"},
		{kind: "deploy", misbehave: "leak", outcome: "rolled_back"},
		{kind: "rotate", outcome: "succeeded"},
		{kind: "cleanup", outcome: "succeeded"},
	}
	longest := map[string]time.Duration{"deploy": 2500 * time.Millisecond, "rotate": 2 * time.Second, "cleanup": 300 * time.Millisecond}
	d := all[lot.IntN(len(all))]
	draw := func() time.Duration {
		return time.Duration(lot.Int64N(int64(longest[d.kind]))).Truncate(time.Millisecond)
	}
	d.kills = []moment{{record: "requested", after: draw()}}
	if lot.IntN(4) == 0 {
		d.kills = append(d.kills, moment{after: draw() / 2})
	}
	return d
}

// number returns the number that a variable of the environment is set to.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text, ok := os.LookupEnv(variable)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s is no number: %v", variable, err)
	}
	return n
}
