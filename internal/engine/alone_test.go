package engine

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// box returns a container of a service, as the Engine tells of it.
func box(id, rollout, status string) container.InspectResponse {
	return container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{ID: id, Name: "/" + id, State: &container.State{Status: status}},
		Config:            &container.Config{Labels: map[string]string{LabelRollout: rollout}},
	}
}

// A container is started, or put back, only where no other lives, and never for a rollout that a later one has followed.
func TestAlone(t *testing.T) {
	old := &workload.Container{ID: "old", Name: "old", Rollout: "01R1", Ours: true}
	for name, c := range map[string]struct {
		all      []container.InspectResponse
		old      *workload.Container
		replace  fault.Kind // of the answer; empty where it may go on
		restore  fault.Kind
		mentions string
	}{
		"nothing":                     {nil, nil, "", "", ""},
		"the old one":                 {[]container.InspectResponse{box("old", "01R1", "running")}, old, "", "", ""},
		"both":                        {[]container.InspectResponse{box("old", "01R1", "exited"), box("own", "01R2", "running")}, old, "", "", ""},
		"something stopped":           {[]container.InspectResponse{box("left", "01R0", "exited")}, nil, "", "", ""},
		"something that lives":        {[]container.InspectResponse{box("own", "01R2", "running"), box("left", "01R0", "running")}, nil, fault.Conflict, fault.Conflict, "container left of service web is running as well"},
		"something that starts again": {[]container.InspectResponse{box("left", "01R0", "restarting")}, old, fault.Conflict, fault.Conflict, "container left"},
		"of a later rollout":          {[]container.InspectResponse{box("old", "01R1", "exited"), box("late", "01R3", "running")}, old, fault.Conflict, fault.Conflict, "container late was made by rollout 01R3, which came later"},
		"of a later one, and stopped": {[]container.InspectResponse{box("late", "01R3", "created")}, old, fault.Conflict, fault.Conflict, "which came later"},
		"the old one is a later one's": {[]container.InspectResponse{box("old", "01R3", "running")}, // the clock was set back
			old, "", "", ""},
		"made again in the place of the old one": {[]container.InspectResponse{box("again", "01R1", "running")}, old, fault.Conflict, "", "container again"},
		"its like, and the old one":              {[]container.InspectResponse{box("old", "01R1", "exited"), box("again", "01R1", "running")}, old, fault.Conflict, fault.Conflict, "container again"},
	} {
		t.Run(name, func(t *testing.T) {
			r := workload.Replacement{Rollout: "01R2", Old: c.old, Unit: workload.Unit{Service: workload.Service{Name: "web"}}}
			for what, answer := range map[string]struct {
				err  error
				want fault.Kind
			}{
				"replace": {alone(r, c.all), c.replace},
				"restore": {unhindered("01R2", "web", c.old, c.all), c.restore},
			} {
				if (answer.err == nil) != (answer.want == "") || answer.err != nil && (fault.KindOf(answer.err) != answer.want || !strings.Contains(fault.Text(answer.err), c.mentions)) {
					t.Errorf("%s is answered with %v", what, answer.err)
				}
			}
		})
	}
}

// What is made again in a revert is of an old rollout, and what was left over since does not hinder it.
func TestAloneForAnother(t *testing.T) {
	again := workload.Replacement{Rollout: "01R1", For: "01R3"}
	if err := alone(again, []container.InspectResponse{box("left", "01R2", "exited")}); err != nil {
		t.Errorf("what was left over before it: %v", err)
	}
	if err := alone(again, []container.InspectResponse{box("late", "01R4", "exited")}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("what came after it: %v", err)
	}
}
