//go:build soak

package journal_test

import "testing"

func TestSoakManyLives(t *testing.T) { manyLives(t, 1000, 20_000) }
