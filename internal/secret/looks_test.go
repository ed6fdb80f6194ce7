package secret

import "testing"

func TestLooksSecret(t *testing.T) {
	for name, want := range map[string]bool{
		"AZURE_OPENAI_API_KEY": true, "SMTP_PASSWORD": true, "ANONYMIZATION_SEED": true, "NEXTAUTH_SECRET": true, "GITHUB_TOKEN": true,
		"DATABASE_URL": true, "DIRECT_URL": true, "SENTRY_DSN": true, "REDIS_URL": true, "PGPASSWORD": true, "MYSQL_PASSWD": true,
		"GOOGLE_CREDENTIALS": true, "APIKEY": true, "api_tokens": true, "AZURE_CONNECTION_STRING": true, "KEY": true, "requirepass": true,
		"NODE_ENV": false, "PORT": false, "NEXT_PUBLIC_API_KEY": false, "APP_URL": false, "NEXTAUTH_URL": false, "TLS_KEY_FILE": false,
		"LOG_LEVEL": false, "": false, "COMPASS_URL": false, "TOKEN_TTL": false,
	} {
		if LooksSecret(name) != want {
			t.Errorf("%s looks secret: %t", name, !want)
		}
	}
}
