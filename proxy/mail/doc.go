// Package mail sends the transcript of a chat session to its customer when the session has ended.
//
//	mails, err := mail.Start(ctx, engine, mail.Options{Chat: chat, Sender: mail.NewSMTP(mail.SMTPOptions{…})})
//	defer mails.Close(ctx)
//
// The mail has what a party of type CLIENT may see, as text and as HTML: messages, who came and
// left, and each file by its name, size and kind, never the file nor a link to it. Its headers
// have nothing of the customer's but the one address that it goes to.
//
// A mail is a work item, like an upload. Every proxy follows the sessions' ends and puts each
// into one queue, where it is once; the item's acknowledgement time is the lease. The mail's
// record has its state:
//
//	waiting → sending → sent        (the server has taken it)
//	                  → unclear     (it may have, and repeating is not wanted)
//	waiting → failed, skipped       (it never will; the code says why)
//
// SMTP knows no exactly-once: after the last byte of a message, its answer may be lost. So
// *sending* is recorded before DATA, on the condition that no other proxy has recorded anything
// since. What happens to a mail that is found in this state, or whose answer was lost, is
// [Options.Unclear]: Drop sends it at most once, Repeat at least once, with the same Message-ID.
// Whatever ends before that is repeated and sent once.
package mail
