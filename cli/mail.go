package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"attache/proxy/mail"
)

// mailFlags configure the transcript e-mail.
type mailFlags struct {
	MailServer       string        `help:"send the transcript of each session that has ended by this SMTP server, host:port; empty for none" group:"mail" placeholder:"ADDRESS"`
	MailTLS          string        `default:"starttls" enum:"starttls,tls,none" help:"encryption to the server: starttls, tls (from the first byte), or none for a server on this machine" group:"mail"`
	MailCA           string        `type:"path" help:"certificates to trust instead of the system's, PEM" group:"mail" placeholder:"FILE"`
	MailUser         string        `help:"user for the server, if it requires one" group:"mail" placeholder:"NAME"`
	MailPasswordFile string        `type:"path" help:"file with the user's password" group:"mail" placeholder:"FILE"`
	MailFrom         string        `help:"sender, such as Support <support@example.com>" group:"mail" placeholder:"ADDRESS"`
	MailRecipientKey string        `default:"EmailAddress" help:"key of the customer's user data that has the recipient's address; empty for none" group:"mail" placeholder:"KEY"`
	MailRecipient    string        `help:"recipient for sessions without that" group:"mail" placeholder:"ADDRESS"`
	MailPerAddress   int           `default:"10" help:"mails that one address gets in a day at most" group:"mail"`
	MailUnclear      string        `default:"drop" enum:"drop,repeat" help:"a mail that the server may have taken without its answer having arrived: drop sends it at most once, repeat at least once" group:"mail"`
	MailTexts        string        `type:"path" help:"sentences of the mail, JSON (docs/operating.md)" group:"mail" placeholder:"FILE"`
	MailLate         time.Duration `default:"72h" help:"how long after its session's end a mail is still tried" group:"mail" placeholder:"DURATION"`
}

func (f mailFlags) check(m *mistakes) {
	if f.MailServer == "" {
		// The key also names where GMS' Chat API puts a customer's emailAddress.
		m.idle(given(f, "mail-recipient-key"), "without a server: name one with --mail-server")
		return
	}
	if f.MailPerAddress < 1 {
		m.add("--mail-per-address=%d: at least 1", f.MailPerAddress)
	}
	if f.MailLate <= 0 {
		m.add("--mail-late=%s: write, for instance, 72h", f.MailLate)
	}
	if f.MailRecipientKey == "" && f.MailRecipient == "" {
		m.add("no recipient for mails: give --mail-recipient-key or --mail-recipient")
	}
	if f.MailRecipient != "" {
		m.addError("--mail-recipient:", mail.CheckAddress(f.MailRecipient))
	}
	if _, err := f.sender(); err != nil {
		m.add("--mail-server: %w", err)
	}
	if _, err := f.texts(); err != nil {
		m.add("--mail-texts: %w", err)
	}
}

// options returns nil without a server.
func (f mailFlags) options() (*mail.Options, error) {
	if f.MailServer == "" {
		return nil, nil
	}
	sender, err := f.sender()
	if err != nil {
		return nil, err
	}
	texts, err := f.texts()
	if err != nil {
		return nil, err
	}
	return &mail.Options{
		Sender: sender, From: f.MailFrom, RecipientKey: f.MailRecipientKey, Recipient: f.MailRecipient,
		PerAddress: f.MailPerAddress, Unclear: mail.UnclearPolicy(f.MailUnclear), Texts: &texts, Late: f.MailLate,
	}, nil
}

func (f mailFlags) sender() (*mail.SMTP, error) {
	o := mail.SMTPOptions{Server: f.MailServer, TLS: mail.TLS(f.MailTLS), From: f.MailFrom, User: f.MailUser}
	if f.MailPasswordFile != "" {
		text, err := os.ReadFile(f.MailPasswordFile)
		if err != nil {
			return nil, fmt.Errorf("read the mail server's password: %w", err)
		}
		o.Password = string(trimmed(text))
	}
	if f.MailCA != "" {
		text, err := os.ReadFile(f.MailCA)
		if err != nil {
			return nil, fmt.Errorf("read the mail server's certificates: %w", err)
		}
		o.Config = &tls.Config{RootCAs: x509.NewCertPool()}
		if !o.Config.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New("--mail-ca has no certificate: give it as PEM")
		}
	}
	return mail.NewSMTP(o)
}

func (f mailFlags) texts() (mail.Texts, error) {
	if f.MailTexts == "" {
		return mail.English(), nil
	}
	return mail.ReadTexts(f.MailTexts)
}
