package compose

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

func TestEnvironment(t *testing.T) {
	want := []string{"PLAIN=x (fairlead.yaml:4)", "JOINED=postgres://u:pass@db (fairlead.yaml:5)", "BLANK= (fairlead.yaml:6)", "PASSED=from the source (fairlead.yaml:7)", "NUMBER=8080 (fairlead.yaml:9)"}
	for name, yaml := range map[string]string{
		"mapping": "environment:\n  PLAIN: x\n  JOINED: postgres://u:${DB_PASSWORD}@db\n  BLANK: \"\"\n  PASSED:\n  ABSENT:\n  NUMBER: 8080",
		"list":    "environment:\n  - PLAIN=x\n  - JOINED=postgres://u:${DB_PASSWORD}@db\n  - BLANK=\n  - PASSED\n  - ABSENT\n  - NUMBER=8080",
	} {
		t.Run(name, func(t *testing.T) {
			services, problems := loaded(t, single(t, yaml), env("DB_PASSWORD", "pass", "PASSED", "from the source"))
			if len(problems) > 0 {
				t.Fatal(lines(problems))
			}
			var got []string
			for _, v := range services[0].Environment {
				got = append(got, v.Name+"="+v.Value.Reveal()+" ("+v.Origin.String()+")")
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestTheProcessIsNotAsked makes sure that the daemon's own environment reaches no definition.
func TestTheProcessIsNotAsked(t *testing.T) {
	t.Setenv("FAIRLEAD_TEST_VARIABLE", "1000")
	services, problems := loaded(t, single(t, "user: ${FAIRLEAD_TEST_VARIABLE}\nenvironment: [FAIRLEAD_TEST_VARIABLE]"), nil)
	if len(problems) != 1 || len(services[0].Environment) != 0 {
		t.Errorf("got %v, %q", services[0].Environment, lines(problems))
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	services, problems := loaded(t, input(t, `
services:
  web: &base
    command: [web]
    user: "1000"
    labels: &labels {tier: front}
  worker:
    <<: *base
    command: [worker]
    labels: {<<: [*labels], extra: x}
`), nil)
	if len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	w := services[1]
	if w.User != "1000" || w.Command[0] != "worker" || w.Labels["tier"] != "front" || w.Labels["extra"] != "x" {
		t.Errorf("got %+v", w.Service)
	}
}

const canary = "c4n4ry-l0ng-enough"

// TestValuesStayInTheEnvironment puts a value into every place that takes a text, and looks for it in all that comes
// back: a value reaches a container through its environment, or not at all.
func TestValuesStayInTheEnvironment(t *testing.T) {
	for _, yaml := range []string{
		`command: [serve, "--password=${CANARY}"]`, `command: serve ${CANARY}`, `entrypoint: ["${CANARY}"]`, `labels: {a: "${CANARY}"}`,
		`labels: ["${CANARY}"]`, `labels: ["${CANARY}=x"]`, `healthcheck: {test: "curl -H ${CANARY} localhost"}`, `healthcheck: {test: [CMD, "${CANARY}"]}`,
		`healthcheck: {test: x, interval: "${CANARY}"}`, `user: ${CANARY}`, `working_dir: /${CANARY}`, `hostname: ${CANARY}`, `container_name: ${CANARY}`,
		`ports: ["${CANARY}:80"]`, `ports: [{target: "${CANARY}"}]`, `expose: ["${CANARY}"]`, `volumes: ["${CANARY}:/data"]`, `volumes: ["/x:/y:${CANARY}"]`,
		`networks: ["${CANARY}"]`, `networks: {a: {aliases: ["${CANARY}"]}}`, `networks: {a: {ipv4_address: "${CANARY}"}}`, `network_mode: ${CANARY}`,
		`restart: ${CANARY}`, `stop_grace_period: ${CANARY}`, `stop_signal: ${CANARY}`, `extra_hosts: ["a:${CANARY}"]`, `cap_add: ["${CANARY}"]`,
		`security_opt: ["${CANARY}"]`, `read_only: ${CANARY}`, `init: ${CANARY}`, `tmpfs: "/x:${CANARY}"`, `ulimits: {nofile: "${CANARY}"}`, `mem_limit: ${CANARY}`,
		`cpus: ${CANARY}`, `pids_limit: ${CANARY}`, `shm_size: ${CANARY}`, `deploy: {resources: {limits: {memory: "${CANARY}"}}}`,
		`logging: {driver: "${CANARY}"}`, `logging: {options: {tag: "${CANARY}"}}`, `environment: ["${CANARY}"]`, `environment: ["${CANARY}=x"]`,
		`user: ${NOBODY:-${CANARY}}`, `user: ${NOBODY:?${CANARY}}`, `user: ${CANARY:?x}${NOBODY}`,
		`environment: {A: "${NOBODY:?it is ${CANARY}}"}`, `command: 'echo "${CANARY}'`,
	} {
		t.Run(yaml, func(t *testing.T) {
			services, problems := loaded(t, single(t, yaml), env("CANARY", canary))
			if len(problems) == 0 {
				t.Error("was not refused")
			}
			out, err := json.Marshal(services)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{fmt.Sprint(problems), fmt.Sprintf("%+v", services), string(out)} {
				if strings.Contains(text, canary) {
					t.Errorf("the value shows: %s", text)
				}
			}
		})
	}
}

func TestEncodedValuesAreFound(t *testing.T) {
	_, problems := loaded(t, single(t, `labels: {a: "${HIDDEN}"}`), env("CANARY", canary, "HIDDEN", "x "+strings.ToUpper(fmt.Sprintf("%x", canary))))
	if len(problems) != 2 || !strings.Contains(problems[0].What, "CANARY") {
		t.Errorf("got %q", lines(problems))
	}
}

// TestWrittenOutValues tells a secret that somebody copied into a definition from a common word that happens to be the
// value of some variable as well.
func TestWrittenOutValues(t *testing.T) {
	in := single(t, "container_name: shop-production\ncommand: [serve, "+canary+"]")
	in.Secrets = []string{"CANARY"}
	_, problems := loaded(t, in, env("CANARY", canary, "NODE_ENV", "production"))
	want := []string{"fairlead.yaml:4: apps.shop.services.web.command[1]: contains the value of CANARY, which everybody who may look at the container would see"}
	if got := lines(problems); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestShortValuesMayStandAnywhere(t *testing.T) {
	if secret.MinRedacted != 8 {
		t.Fatal("the bound has moved")
	}
	if _, problems := loaded(t, single(t, `ports: ["${PORT}:80"]`), env("PORT", "8080")); len(problems) > 0 {
		t.Error(lines(problems))
	}
}

// TestASecretIsTakenNowhereElse holds for a secret however short it is, whether it is set or not, and already before
// there is an env file.
func TestASecretIsTakenNowhereElse(t *testing.T) {
	for _, text := range []string{
		"$PIN", "${PIN}", "--pin=${PIN}", "${PIN:-0}", "${PIN-0}", "${PIN:?say it}", "${PIN:+set}", "${UID}${PIN}",
		"${UID:-${PIN}}", "${UID-${PIN}}", "${UID:+${PIN}}", "${UID+${NONE-$PIN}}",
	} {
		in := single(t, "command: [serve, '"+text+"']")
		in.Secrets = []string{"PIN"}
		want := []string{"fairlead.yaml:3: apps.shop.services.web.command[1]: takes the value of PIN, which everybody who may look at the container would see"}
		_, with := loaded(t, in, env("PIN", "1234", "UID", "1000"))
		_, without := loaded(t, in, nil)
		for where, problems := range map[string][]fault.Problem{"with its value": with, "without it": without, "before there is an env file": checked(t, in)} {
			if got := lines(problems); !slices.Equal(got, want) {
				t.Errorf("%s, %s: got %q", text, where, got)
			}
		}
	}
}

func TestASecretMayStandInTheEnvironment(t *testing.T) {
	in := single(t, "environment: {CODE: \"${PIN}\", NEEDED: \"${PIN:?say it}\", PIN: }\ncommand: [sh, -c, 'serve --pin=$$PIN']")
	in.Secrets = []string{"PIN"}
	if _, problems := loaded(t, in, env("PIN", "1234")); len(problems) > 0 {
		t.Error(lines(problems))
	}
	if problems := checked(t, in); len(problems) > 0 {
		t.Error(lines(problems))
	}
}

// TestCheckKnowsNoVariables looks at definitions before there is an env file.
func TestCheckKnowsNoVariables(t *testing.T) {
	good := single(t, "user: ${UID}\nports: ['${PORT}:80']\nstop_grace_period: ${T}\nenvironment: {A: '${B:?needed}', C: }\nread_only: ${RO}\nmem_limit: ${MEM:-512m}")
	if problems := checked(t, good); len(problems) > 0 {
		t.Errorf("refused: %q", lines(problems))
	}
	bad := single(t, "user: ${UID\nprivileged: true\nmem_limit: ${MEM:-lots}\nports: ['${PORT}:80', 'x:y']")
	want := []string{
		"fairlead.yaml:3: apps.shop.services.web.user: has a $ that begins no variable",
		"fairlead.yaml:4: apps.shop.services.web.privileged: is not honoured, and a key is never ignored",
		"fairlead.yaml:5: apps.shop.services.web.mem_limit: is not in the form that Compose gives it",
	}
	if got := lines(checked(t, bad)); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
