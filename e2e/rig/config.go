package rig

import "slices"

// Config is the configuration of the reference application: two services of one image, or one, and five secrets.
const Config = `instance: {{.Instance}}
registry: {config: {{.Dir}}/docker.json}
apps:
  capakraken:
    environment: production
    image: {{.Repository}}
    env: [{file: {{.EnvFile}}}]
    timeouts: {verify: {{.Verify}}, restart: 30s, revert: 40s}
    services:
      web:
        command: [web]
        networks: [{{.Network.Name}}]
        ports: ["127.0.0.1:{{.Port}}:3000"]
        restart: unless-stopped
        stop_grace_period: 2s
        container_name: {{.Container "web"}}
{{- if .Has "worker"}}
      worker:
        command: [worker]
        networks: [{{.Network.Name}}]
        restart: unless-stopped
        stop_grace_period: 2s
        container_name: {{.Container "worker"}}
{{- end}}
    verify:
      web:
        url: "http://{container}:3000/api/runtime-status"
        query: &status '{healthy: .ok, version: .version, secrets: [.runtimeSecrets | to_entries[] | {name: .key, source: .value.source, present: .value.configured}]}'
{{- if .Has "worker"}}
      worker: {exec: [/refapp, status], query: *status}
{{- end}}
    secrets:
      - {name: primary-ai, env: AZURE_OPENAI_API_KEY, description: Primary AI API credential, required: true, min_length: 20, legacy: {column: azureOpenAiApiKey}}
      - {name: dall-e, env: AZURE_DALLE_API_KEY, description: Dedicated DALL-E credential, legacy: {column: azureDalleApiKey}}
      - {name: gemini, env: GEMINI_API_KEY, description: Gemini credential, legacy: {column: geminiApiKey}}
      - {name: smtp, env: SMTP_PASSWORD, description: SMTP password, required: true, legacy: {column: smtpPassword}}
      - {name: anonymization-seed, env: ANONYMIZATION_SEED, description: Anonymization seed, legacy: {column: anonymizationSeed}, on_mismatch: refuse}
    legacy: {dsn: {env: DATABASE_URL}, table: SystemSettings, row: {id: singleton}}
    clear: {{.Clear}}
`

// Container returns the final name of a service's container. It is this rig's alone, so that rigs can run side by side.
func (r *Rig) Container(service string) string { return r.Instance + "-" + service }

// Has tells whether the app has this service.
func (r *Rig) Has(service string) bool { return slices.Contains(r.Services, service) }
