// What clickhouse-go over HTTP, which Grafana's plugin uses, sees of an endpoint: one line of JSON a check.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

func main() {
	address, user, password, compression := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	methods := map[string]*clickhouse.Compression{
		"none":    nil,
		"lz4":     {Method: clickhouse.CompressionLZ4},
		"zstd":    {Method: clickhouse.CompressionZSTD},
		"gzip":    {Method: clickhouse.CompressionGZIP},
		"deflate": {Method: clickhouse.CompressionDeflate},
		"br":      {Method: clickhouse.CompressionBrotli},
	}
	conn, err := clickhouse.Open(&clickhouse.Options{
		Addr:        []string{address},
		Protocol:    clickhouse.HTTP,
		Auth:        clickhouse.Auth{Username: user, Password: password},
		Compression: methods[compression],
		Settings:    clickhouse.Settings{"max_execution_time": 30},
	})
	must(err)
	ctx := context.Background()
	must(conn.Ping(ctx))

	rows, err := conn.Query(ctx, os.Getenv("TYPES_QUERY"))
	must(err)
	say("types", count(rows))
	rows, err = conn.Query(ctx, "SELECT number, toString(number) FROM numbers(1000000)")
	must(err)
	say("million", count(rows))
	rows, err = conn.Query(ctx, "SELECT 1 AS a, now() AS t WHERE 0")
	must(err)
	say("empty", rows.Columns())
	_, err = conn.Query(ctx, "SELECT nope")
	say("error", code(err))
	rows, err = conn.Query(ctx, "SELECT throwIf(number = 3000000) FROM numbers(4000000)")
	if err == nil {
		for rows.Next() {
		}
		err = rows.Err()
	}
	say("late error", code(err))
	var x int32
	must(conn.QueryRow(ctx, "SELECT {x:Int32} AS x", clickhouse.Named("x", "5")).Scan(&x))
	say("parameter", x)
	if user == "writer" {
		must(conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS realtime"))
		must(conn.Exec(ctx, "DROP TABLE IF EXISTS realtime.c"))
		must(conn.Exec(ctx, "CREATE TABLE realtime.c (a Int32, s String, t DateTime('UTC')) ENGINE = MergeTree ORDER BY a"))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO realtime.c")
		must(err)
		for i := range 10000 {
			must(batch.Append(int32(i), fmt.Sprint("it's \\ ", i), time.Unix(0, 0)))
		}
		must(batch.Send())
		var n uint64
		var s int64
		must(conn.QueryRow(ctx, "SELECT count(), sum(a) FROM realtime.c").Scan(&n, &s))
		say("insert", []any{n, s})
	}
}

func count(rows interface {
	Next() bool
	Err() error
}) int {
	n := 0
	for rows.Next() {
		n++
	}
	must(rows.Err())
	return n
}

func code(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	return -1
}

func say(check string, value any) {
	line, err := json.Marshal(map[string]any{"check": check, "value": value})
	must(err)
	fmt.Println(string(line))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
