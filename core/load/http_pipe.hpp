// HttpPipe: questions to an HTTP/1.1 server over one connection, one after the other: as much of HTTP as an
// API on the same machine needs (RFC 9112: Content-Length and chunked bodies, a connection that is kept).
//
//   ask(tag, …) … poll() ─► send ─► read ─► Answer{tag, status, body}
//
// A connection that the server closed between two questions is opened again, once. Thread: [control].
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/time.hpp"

namespace tandem::load {

// One answer out of the front of hostile bytes: how many it takes; 0: not whole yet. `status` below 0: no
// HTTP.
struct HttpAnswer {
  int status = 0;
  std::string body;
};
std::size_t read_http_answer(const std::string& bytes, HttpAnswer& out);

class HttpPipe {
 public:
  static constexpr std::size_t kAnswerMax = 1 << 20;

  // An answer that takes longer than `patience` is none.
  HttpPipe(const Address& server, Nanos patience) : server_(server), patience_(patience) {}
  ~HttpPipe();
  HttpPipe(const HttpPipe&) = delete;
  HttpPipe& operator=(const HttpPipe&) = delete;

  // GET without a body, else POST of JSON.
  void ask(std::uint64_t tag, std::string path, std::string body);

  struct Answer {
    std::uint64_t tag = 0;
    int status = 0;    // 0: none came
    std::string body;  // or why
  };
  // Sends, reads, and adds what came.
  void poll(TimePoint now, std::vector<Answer>& out);

  int fd() const { return fd_; }  // below 0: not connected
  bool busy() const { return !waiting_.empty(); }

 private:
  struct Question {
    std::uint64_t tag = 0;
    std::string text;
    bool repeated = false;
    TimePoint since{};
  };
  bool connect(std::string& why);
  void close();
  void fail(const std::string& why, std::vector<Answer>& out);
  bool transmit(std::string& why);
  bool read(std::string& why);

  const Address server_;
  const Nanos patience_;
  int fd_ = -1;
  std::deque<Question> waiting_;  // the first is under way
  std::size_t sent_ = 0;          // bytes of it
  std::string received_;
};

}  // namespace tandem::load
