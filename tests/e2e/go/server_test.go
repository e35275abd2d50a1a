// Starts the server under test as its own process, calls its API, and makes tokens for it.

package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	secret   = "e2e-token-secret-of-32-bytes-or-more"
	apiKey   = "e2e-api-key"
	deadline = 10 * time.Second
)

// object is a JSON object, or a part of a configuration.
type object = map[string]any

// server is one running server on a port of its own.
type server struct {
	t       *testing.T
	port    int
	config  string
	process *exec.Cmd
	log     bytes.Buffer
	logging sync.Mutex
}

// startServer runs the binary with options of channels without a namespace added to some that allow everything.
// The server is killed when the test ends.
func startServer(t *testing.T, options object) *server {
	t.Helper()
	s := &server{t: t, port: freePort(t), config: filepath.Join(t.TempDir(), "config.json")}
	text, err := json.Marshal(configuration(options))
	must(t, err)
	must(t, os.WriteFile(s.config, text, 0o600))
	s.start()
	t.Cleanup(s.kill)
	return s
}

func configuration(options object) object {
	channels := object{
		"allow_subscribe_for_client": true,
		"allow_publish_for_client":   true,
		"allow_history_for_client":   true,
		"allow_presence_for_client":  true,
		"history_size":               400,
		"history_ttl":                "300s",
		"presence":                   true,
		"join_leave":                 true,
		"force_recovery":             true,
		"allow_tags_filter":          true,
		"allowed_delta_types":        []string{"fossil"},
	}
	maps.Copy(channels, options)
	return object{
		"health":   object{"enabled": true},
		"http_api": object{"key": apiKey},
		"client":   object{"token": object{"hmac_secret_key": secret}},
		"channel":  object{"without_namespace": channels},
	}
}

// start starts the server, or starts it again on the same port, and waits for its health.
func (s *server) start() {
	s.t.Helper()
	s.process = exec.Command(binary(), "--config", s.config, "--http_server.address=127.0.0.1", fmt.Sprintf("--http_server.port=%d", s.port))
	s.process.Env = ownEnvironment()
	s.process.Stdout, s.process.Stderr = s, s
	must(s.t, s.process.Start())
	late := time.Now().Add(2 * deadline)
	for {
		answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/health", s.port))
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(late) {
			s.logging.Lock()
			defer s.logging.Unlock()
			s.t.Fatalf("%s did not become healthy: %v; its log:\n%s", binary(), err, s.log.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Write keeps what the server logs.
func (s *server) Write(text []byte) (int, error) {
	s.logging.Lock()
	defer s.logging.Unlock()
	return s.log.Write(text)
}

// kill ends the process at once, as a crash would.
func (s *server) kill() {
	if s.process.ProcessState == nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
	}
}

// url is where clients connect.
func (s *server) url() string {
	return fmt.Sprintf("ws://127.0.0.1:%d/connection/websocket", s.port)
}

// call calls a method of the server API that must succeed, and returns its result.
func (s *server) call(method string, params object) object {
	s.t.Helper()
	body, err := json.Marshal(params)
	must(s.t, err)
	request, err := http.NewRequest(http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/api/%s", s.port, method), bytes.NewReader(body))
	must(s.t, err)
	request.Header.Set("X-API-Key", apiKey)
	answer, err := http.DefaultClient.Do(request)
	must(s.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(s.t, err)
	var reply struct {
		Result object `json:"result"`
		Error  object `json:"error"`
	}
	if json.Unmarshal(text, &reply) != nil || reply.Error != nil {
		s.t.Fatalf("API %s: HTTP %d %s", method, answer.StatusCode, text)
	}
	return reply.Result
}

func (s *server) publish(channel string, data any) {
	s.t.Helper()
	s.call("publish", object{"channel": channel, "data": data})
}

// token is a token with these claims, signed by HS256.
func token(claims object) string {
	part := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	body := part(object{"alg": "HS256", "typ": "JWT"}) + "." + part(claims)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func inSeconds(delta int) int64 { return time.Now().Unix() + int64(delta) }

func binary() string {
	if path := os.Getenv("VECHE_BIN"); path != "" {
		return path
	}
	target := os.Getenv("CARGO_TARGET_DIR")
	if target == "" {
		target = "../../../target"
	}
	return filepath.Join(target, "debug", "veche")
}

// ownEnvironment is ours without settings that a developer's shell may carry.
func ownEnvironment() []string {
	var own []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "VECHE_") && !strings.HasPrefix(variable, "CENTRIFUGO_") {
			own = append(own, variable)
		}
	}
	return own
}

func freePort(t *testing.T) int {
	t.Helper()
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer probe.Close()
	return probe.Addr().(*net.TCPAddr).Port
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
