package compose

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestShippedDefinitions makes sure that an operator who starts from our examples starts from what is honoured.
func TestShippedDefinitions(t *testing.T) {
	found, err := filepath.Glob("../../configs/*.yaml")
	if err != nil || len(found) == 0 {
		t.Fatalf("no examples (%v)", err)
	}
	for _, file := range found {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var config struct {
			Apps map[string]struct {
				Services map[string]yaml.Node `yaml:"services"`
				Compose  struct {
					File     string   `yaml:"file"`
					Services []string `yaml:"services"`
				} `yaml:"compose"`
			} `yaml:"apps"`
		}
		if err := yaml.Unmarshal(content, &config); err != nil {
			t.Fatal(err)
		}
		for app, a := range config.Apps {
			in := Input{Project: app, Source: file}
			for name, node := range a.Services {
				in.Services = append(in.Services, Raw{Name: name, YAML: &node, Line: node.Line})
			}
			if a.Compose.File != "" {
				path, err := filepath.Abs(filepath.Join(filepath.Dir(file), app, filepath.Base(a.Compose.File)))
				if err != nil {
					t.Fatal(err)
				}
				in.Files = &Files{Paths: []string{path}}
				for _, name := range a.Compose.Services {
					in.Services = append(in.Services, Raw{Name: name})
				}
				if found := Check(t.Context(), in); len(found.Problems) > 0 || len(in.Services) == 0 {
					t.Errorf("%d services, %q", len(in.Services), lines(found.Problems))
				}
				continue
			}
			if problems := checked(t, in); len(problems) > 0 || len(in.Services) == 0 {
				t.Errorf("%d services, %q", len(in.Services), lines(problems))
			}
		}
	}
}
