package secret

import (
	"slices"
	"strings"
)

// LooksSecret tells whether a variable of this name probably holds a secret: a key, a password, a token, or an address
// with a password in it. It errs on the side of the secret, and a person looks at what comes of it.
func LooksSecret(name string) bool {
	words := strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool {
		return r != '$' && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
	if len(words) == 0 || slices.Contains(words, "PUBLIC") {
		return false
	}
	switch words[len(words)-1] {
	case "FILE", "PATH", "DIR", "TTL": // says where it is, or how long it lives
		return false
	}
	return slices.ContainsFunc(words, secretWord) || addressWithLogin(words)
}

// secretWord knows the words by themselves, in the plural, and as the end of another: APIKEY, PGPASSWORD.
func secretWord(word string) bool {
	if slices.Contains([]string{"PASS", "PWD", "AUTH", "AUTHORIZATION", "BEARER", "COOKIE", "PEPPER", "SALT", "PIN", "JWT"}, word) {
		return true
	}
	word = strings.TrimSuffix(word, "S")
	return slices.ContainsFunc([]string{"KEY", "SECRET", "TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "DSN", "SEED", "REQUIREPAS"},
		func(end string) bool { return strings.HasSuffix(word, end) })
}

// addressWithLogin knows the addresses that are usually written with a user and a password.
func addressWithLogin(words []string) bool {
	last := words[len(words)-1]
	if last == "STRING" && slices.Contains(words, "CONNECTION") {
		return true
	}
	if last != "URL" && last != "URI" {
		return false
	}
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"DATABASE", "DB", "DIRECT", "SHADOW", "POSTGRES", "POSTGRESQL", "PG", "MYSQL", "MARIADB", "MONGO", "MONGODB", "REDIS",
			"VALKEY", "AMQP", "RABBITMQ", "SMTP", "ELASTICSEARCH", "WEBHOOK"}, w)
	})
}
