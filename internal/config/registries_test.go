package config

import "testing"

func TestAllowedRegistries(t *testing.T) {
	for _, tt := range []struct {
		entry, repository string
		want              bool
	}{
		{"registry.example.com", "registry.example.com/team/app", true},
		{"registry.example.com", "registry.example.com/app", true},
		{"registry.example.com", "registry.example.com.evil.com/team/app", false},
		{"registry.example.com", "evil.com/registry.example.com/app", false},
		{"registry.example.com", "registry.example.com:5000/team/app", false},
		{"registry.example.com:5000", "registry.example.com:5000/team/app", true},
		{"registry.example.com:5000", "registry.example.com/team/app", false},
		{"registry.example.com:5000", "registry.example.com:50001/team/app", false},
		{"registry.example.com/team", "registry.example.com/team/app", true},
		{"registry.example.com/team", "registry.example.com/team/deep/app", true},
		{"registry.example.com/team", "registry.example.com/team", true},
		{"registry.example.com/team", "registry.example.com/teamx/app", false},
		{"registry.example.com/team", "registry.example.com/teamx", false},
		{"registry.example.com/team", "registry.example.com/other/team/app", false},
		{"registry.example.com/team/app", "registry.example.com/team/app", true},
		{"registry.example.com/team/app", "registry.example.com/team/app2", false},
		{"Registry.Example.com/team", "registry.example.COM/team/app", true},
		{"localhost", "localhost/app", true},
		{"localhost:5000", "localhost:5000/app", true},
		{"127.0.0.1:5000", "127.0.0.1:5000/app", true},
		{`"[::1]:5000"`, "[::1]:5000/app", true},
		{"quay.io", "team/app", false},
		{"quay.io", "", false},
		{"quay.io", "https://quay.io/team/app", false},
	} {
		text := "instance: a\napps:\n  shop: {environment: production, image: shop, services: {web: {}}, allowed_registries: [docker.io/library, " + tt.entry + "]}\n"
		cfg, err := Parse("fairlead.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", tt.entry, err)
			continue
		}
		if got := cfg.Apps["shop"].AllowedRegistries.Allow(tt.repository); got != tt.want {
			t.Errorf("%s lets in %q: %v", tt.entry, tt.repository, got)
		}
	}
}

func TestDockerHubHasSeveralNames(t *testing.T) {
	for _, tt := range []struct {
		entry, image string
		want         bool
	}{
		{"docker.io", "shop", true},
		{"docker.io", "team/shop", true},
		{"docker.io", "index.docker.io/team/shop", true},
		{"index.docker.io/team", "docker.io/team/shop", true},
		{"docker.io/team", "team/shop", true},
		{"docker.io/team", "shop", false},
		{"docker.io/library", "shop", true},
		{"docker.io/library", "library/shop", true},
		{"docker.io/library", "team/shop", false},
		{"registry.example.com", "shop", false},
	} {
		text := "instance: a\napps:\n  shop: {environment: production, image: " + tt.image + ", services: {web: {}}, allowed_registries: [" + tt.entry + "]}\n"
		_, err := Parse("fairlead.yaml", []byte(text))
		if (err == nil) != tt.want {
			t.Errorf("%s with %s: %v", tt.image, tt.entry, err)
		}
	}
}

func TestWithoutAListEveryRegistryIsAllowed(t *testing.T) {
	var none Registries
	for _, repository := range []string{"shop", "registry.example.com/team/app", ""} {
		if !none.Allow(repository) {
			t.Errorf("%q is not let in", repository)
		}
	}
}
