package gms

import (
	"encoding/json"

	"attache/bridge"
)

// callOf reads the data of a published message: an object with the operation and its parameters,
// which are those of REST.
func callOf(data json.RawMessage) (c *Call, operation string, err error) {
	c = &Call{Params: map[string]string{}}
	err = readJSON(data, func(name, value string) error {
		c.set(name, value)
		return nil
	})
	if err != nil {
		return nil, "", bridge.NewError(bridge.CodeMessage, "the data is not an object with an operation")
	}
	c.ChatID, c.FileID = c.Params["chatId"], c.Params["fileId"]
	return c, c.Params["operation"], nil
}
