package steps

import (
	"testing"

	"github.com/capakraken/fairlead/internal/secret"
	"github.com/capakraken/fairlead/internal/workload"
)

// The database's address is that of the env sources, or else what the first service's definition gives it.
func TestAddress(t *testing.T) {
	of := func(value string) secret.Env {
		return secret.NewEnv(secret.Var{Name: "DATABASE_URL", Value: secret.NewValue(value)})
	}
	units := []workload.Unit{{}, {Env: of("")}, {Env: of("second")}, {Env: of("third")}}
	for name, tt := range map[string]struct {
		p    provision
		want string
	}{
		"of the sources":         {provision{base: of("first"), units: units}, "first"},
		"of a service":           {provision{units: units}, "second"},
		"empty in the sources":   {provision{base: of(""), units: units}, "second"},
		"nowhere":                {provision{units: units[:2]}, ""},
		"of another name, so no": {provision{base: secret.NewEnv(secret.Var{Name: "OTHER", Value: secret.NewValue("x")})}, ""},
	} {
		if got := tt.p.address("DATABASE_URL").Value; !got.Equal(secret.NewValue(tt.want)) {
			t.Errorf("%s: another address than the one that was wanted", name)
		}
	}
}
