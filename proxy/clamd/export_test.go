package clamd

// What the tests wrap and judge as the package itself does.
var (
	Encrypted    = encrypted
	Nested       = nested
	Padded       = padded
	Parse        = parse
	ParseVersion = parseVersion
)
