package gms

import (
	"cmp"

	"attache/bridge"
)

// wording is what a customer of this interface is told instead of the catalogue's sentences, which
// are about pages of ours with their tokens. An empty one leaves the error's own.
type wording struct {
	message string // instead of any
	hint    string // instead of the catalogue's only: an exact one is about this request
}

const anotherChat = "request a new chat"

var noSuchChat = wording{"there is no such chat, or the customer is not in it", anotherChat}

var wordings = map[bridge.Code]wording{
	bridge.CodeParty:          noSuchChat,
	bridge.CodeNotJoined:      noSuchChat,
	bridge.CodeSessionInvalid: noSuchChat,
	bridge.CodeSessionEnded:   {"the chat has ended", anotherChat},
	bridge.CodeLoggedOut:      {"the customer has left the chat", anotherChat},
	bridge.CodeSecureKey:      {"the secure key was not accepted", "send the secureKey of the last answer, or request a new chat"},
	bridge.CodeForbidden:      {"", "choose something else, or ask the agent for another way"},
	bridge.CodeMessage:        {"", "check the parameters of the request"},
	bridge.CodeMessageSize:    {"", "send a shorter text or less userData"},
	bridge.CodeInternal:       {"", "try again, and tell the operator if it happens again"},
	bridge.CodeChatFull:       {"the customer may add nothing more to this chat", ""},
	bridge.CodePassword:       {"", "request a new chat with the session's password"},
	bridge.CodeFrame:          {"", "send the file again"},
	bridge.CodeUploadConflict: {"another file is being sent in place of this one", "send the file again"},
}

// worded returns the sentence and the hint of an error.
func worded(e *bridge.Error) (message, hint string) {
	w, rule := wordings[e.Code], e.Code.Rule()
	message, hint = cmp.Or(w.message, e.Message), e.Hint
	if w.message != "" || hint == rule.Hint {
		hint = cmp.Or(w.hint, hint)
	}
	if e.Code == bridge.CodeForbidden && e.Message == rule.Message {
		message = "this is not allowed in this chat"
	}
	return message, hint
}
