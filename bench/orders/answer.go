package orders

import (
	"encoding/json"
	"io"
)

// Answer hands each order to carryOut and writes what that returns, until there are no more or one fails.
func Answer[Order any](in io.Reader, out io.Writer, carryOut func(Order) (any, error)) error {
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	for {
		var next Order
		if err := orders.Decode(&next); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		result, err := carryOut(next)
		if err != nil {
			return err
		}
		if err := answers.Encode(result); err != nil {
			return err
		}
	}
}
