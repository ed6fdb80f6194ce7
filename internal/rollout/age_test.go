package rollout

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 999 * time.Millisecond: "0s", 59 * time.Second: "59s",
		time.Minute: "1m", 3*time.Minute + 59*time.Second: "3m", 59 * time.Minute: "59m",
		time.Hour: "1h", 5*time.Hour + 12*time.Minute: "5h12m", day - time.Second: "23h59m",
		day: "1d", 2*day + 4*time.Hour + 59*time.Minute: "2d4h", 400 * day: "400d",
	} {
		if got := Age(d); got != want {
			t.Errorf("%s is told as %q, not %q", d, got, want)
		}
	}
}

func TestWho(t *testing.T) {
	if got := Who("root", new(int64(0))) + ", " + Who("fairlead", nil); got != "root (uid 0), fairlead" {
		t.Error(got)
	}
}
