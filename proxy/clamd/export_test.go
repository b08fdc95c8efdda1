package clamd

var (
	Encrypted    = encrypted
	Nested       = nested
	Padded       = padded
	Parse        = parse
	ParseVersion = parseVersion
)
