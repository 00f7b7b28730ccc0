package main

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/gogf/gf/v2/os/gtime"
)

type user struct {
	Name   string    `json:"name"`
	Age    int       `json:"age"`
	Born   time.Time `json:"born"`
	hidden string
}

// goValues are values that only a Go program can set. Times are of one zone, the one of GMT.
func goValues() map[string]any {
	at := time.Date(2024, 1, 2, 3, 4, 5, 678901234, time.UTC)
	return map[string]any{
		"time":          at,
		"gtime":         gtime.NewFromTime(at),
		"bytes":         []byte("hi\x00\xff"),
		"struct":        user{Name: "Ann", Age: 30, Born: at, hidden: "kept out"},
		"pointer":       &user{Name: "Bob"},
		"duration":      90 * time.Second,
		"nil":           nil,
		"int64Max":      int64(math.MaxInt64),
		"int64Min":      int64(math.MinInt64),
		"uint64Max":     uint64(math.MaxUint64),
		"beyondSafe":    int64(9007199254740993),
		"id":            int64(1265476890672672808),
		"one":           1.0,
		"1e20":          1e20,
		"1e21":          1e21,
		"1e-6":          1e-6,
		"1e-7":          1e-7,
		"minusZero":     math.Copysign(0, -1),
		"float32":       float32(0.1),
		"maxFloat":      math.MaxFloat64,
		"html":          "<a href='x'>&\u2028\u2029</a>",
		"control":       "\b\f\n\r\t\x00\x1f\x7f\"\\",
		"unicode":       "ü€😀",
		"invalidUTF8":   "a\xffb",
		"empty":         "",
		"yes":           true,
		"no":            false,
		"slice":         []any{1, "two", nil, 1e21, map[string]any{"<k>": "<v>"}},
		"nilSlice":      []string(nil),
		"emptyMap":      map[string]any{},
		"mapOfInts":     map[int]string{1: "one", 10: "ten", 9: "nine"},
		"deep":          deep(20),
		"__proto__":     "a key like any other",
		"":              "the empty key",
		"key \x00 <é>😀": "a key that JSON escapes",
	}
}

// refused are values that GoFrame cannot save, in the one or the other storage.
func refused() map[string]any {
	return map[string]any{"NaN": math.NaN(), "Inf": math.Inf(1), "func": func() {}}
}

func deep(levels int) any {
	if levels == 0 {
		return "ground"
	}
	return map[string]any{"down": []any{deep(levels - 1)}}
}

// native is the Go value that a program would set for this JSON: int64, uint64 or float64 for a
// number. What none of them holds, as 1e400, stays the literal.
func native(text json.RawMessage) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return nativeOf(value), nil
}

func nativeOf(value any) any {
	switch value := value.(type) {
	case json.Number:
		return numberOf(value)
	case []any:
		for i, item := range value {
			value[i] = nativeOf(item)
		}
	case map[string]any:
		for key, item := range value {
			value[key] = nativeOf(item)
		}
	}
	return value
}

func numberOf(literal json.Number) any {
	if value, err := strconv.ParseInt(literal.String(), 10, 64); err == nil && literal != "-0" {
		return value
	}
	if value, err := strconv.ParseUint(literal.String(), 10, 64); err == nil {
		return value
	}
	if value, err := literal.Float64(); err == nil {
		return value
	}
	return literal
}
