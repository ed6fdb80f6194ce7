package main

// secret is one runtime secret of the application.
type secret struct {
	name        string // as the status calls it
	env         string // the variable that carries it
	column      string // where older versions kept it
	description string
}

// catalog returns the application's secrets: the five groups of ADR 0001.
func catalog() []secret {
	return []secret{
		{"primary-ai", "AZURE_OPENAI_API_KEY", "azureOpenAiApiKey", "Primary AI API credential"},
		{"dall-e", "AZURE_DALLE_API_KEY", "azureDalleApiKey", "Dedicated DALL-E credential"},
		{"gemini", "GEMINI_API_KEY", "geminiApiKey", "Gemini credential"},
		{"smtp", "SMTP_PASSWORD", "smtpPassword", "SMTP password"},
		{"anonymization-seed", "ANONYMIZATION_SEED", "anonymizationSeed", "Anonymization seed"},
	}
}

// source says where the application took a secret from.
type source string

const (
	fromEnvironment source = "environment"
	fromDatabase    source = "database"
	fromNowhere     source = "none"
)

// resolved is a secret as the running application has it.
type resolved struct {
	secret
	source source
	value  string
}

// resolve takes each secret from the environment first and from the stored row second. Before the ADR only the row was
// looked at.
func resolve(env func(string) string, stored Row, legacy bool) []resolved {
	var all []resolved
	for _, s := range catalog() {
		r := resolved{secret: s, source: fromNowhere}
		switch fromEnv, fromRow := env(s.env), stored[s.column]; {
		case fromEnv != "" && !legacy:
			r.source, r.value = fromEnvironment, fromEnv
		case fromRow != "":
			r.source, r.value = fromDatabase, fromRow
		}
		all = append(all, r)
	}
	return all
}
