// Anchors: calls whose signaling somebody else does (a proxy, over the ng protocol or the API) and whose
// media we carry. An offer opens a socket pair towards each side and says so in the SDP that leaves; the
// answer tells both sides' codecs and joins them.
//
//   offer(call-id, from-tag A, SDP)  ─► lines of A and of B ─► SDP for B
//   answer(call-id, A, to-tag B, SDP) ─► codecs and addresses of both ─► media engine: configure, join ─► SDP
//   for A remove(…) ─► the lines close, the ports are free again
//
// Re-INVITEs keep the ports. A branch of a fork has lines of its own when its via-branch is told; several
// to-tags on one branch share them, and who answered last is heard. Nothing here is SIP: tags are only names.
// Thread: [control].
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/anchor/call.hpp"
#include "core/anchor/flows.hpp"
#include "core/anchor/interfaces.hpp"
#include "core/anchor/own_sdp.hpp"
#include "core/anchor/report.hpp"
#include "core/anchor/rewrite.hpp"
#include "core/base/counter.hpp"
#include "core/base/timers.hpp"
#include "core/session/media.hpp"

namespace tandem::anchor {

struct AnchorsConfig {
  std::vector<Interface> interfaces;
  std::size_t calls_max = 5000;
  seconds media_timeout{60};    // a call in which nobody is heard for so long ends; 0: never
  seconds offer_timeout{3600};  // an offer that is never answered
  milliseconds learn_window{5000};
  std::uint8_t dscp = 46;
  bool symmetric = true;
  Family default_family = Family::v4;
  Address forward_to;  // where sound that is forwarded goes; invalid: nowhere
  std::uint32_t forward_rate = 8000;
};

struct AnchorCounters {
  Counter offers, answers, deletes, queries, errors, calls, timeouts, refused_limit;
  Counter subscriptions, publications, connections;
};

// Which call, which of its parties.
struct Selector {
  std::string call_id, from_tag, to_tag, via_branch, label, to_label;
  std::string address{};  // of its media, as its SDP says
};

struct SdpOutcome {
  std::string sdp;
  std::vector<std::string> warnings;
};

struct AnchorEvent {
  const char* name =
      "";  // "anchor.digit", "anchor.ended", "anchor.play_finished", "anchor.recording_finished"
  std::string call_id, tag, text;
  std::int64_t number = 0;
};

class Anchors final : public session::MediaListener {
 public:
  // All outlive the Anchors; `opaque` the media engine too. `on_event` may be empty.
  Anchors(Timers& timers, session::Media& media, Codecs codecs, AnchorsConfig config,
          std::function<void(const AnchorEvent&)> on_event);
  ~Anchors() override;
  Anchors(const Anchors&) = delete;
  Anchors& operator=(const Anchors&) = delete;

  // Errors: invalid (SDP, tags), unsupported (transport, ICE, address), exhausted (calls, ports).
  Result<SdpOutcome> offer(const Selector& who, const std::string& sdp, const Options& options);
  // Errors: not_found (no such call, or no offer that this answers), and those of offer().
  Result<SdpOutcome> answer(const Selector& who, const std::string& sdp, const Options& options);
  // The whole call, or the branch that the via-branch names while others stand. `report` gets the last
  // figures (after the lines are closed for calls it is what was measured until then). `delay`: only after so
  // long.
  void remove(const Selector& who, milliseconds delay, std::function<void(Result<CallReport>)> report);
  // All parties, or of the one that the label, the to-tag or else the from-tag names that one, its partner
  // and whom it hears; none when nobody is called so.
  void query(const Selector& who, std::function<void(Result<CallReport>)> report);
  std::vector<std::string> list(std::size_t most) const;
  std::size_t size() const { return calls_.size(); }

  // ---- beside offer and answer (anchors_subscribe.cpp, anchors_create.cpp, anchors_connect.cpp,
  // anchors_transform.cpp)

  // A party that hears others: our offer to it, sendonly, one m= line a stream of the sources that are
  // selected (from-tag or label, a list, or all). The to-tag names it, or is made. Asked again, it replaces
  // what was heard. Errors: not_found (call, sources), invalid, conflict (nothing can be heard there yet),
  // exhausted.
  Result<SubscribeOutcome> subscribe(const Selector& who, const Sources& sources, const Options& options);
  // Its answer: from here on it hears them. Warnings. Errors: not_found (no such subscriber, no request that
  // this answers), and those of answer().
  Result<std::vector<std::string>> subscribe_answer(const Selector& who, const std::string& sdp,
                                                    const Options& options);
  // The party of the to-tag hears nobody beside its partner any more, or with a from-tag not that one. A
  // subscriber that hears nobody is gone, with its ports.
  Result<void> unsubscribe(const Selector& who);
  // A party that is heard by subscribers: our answer to its offer. Call-id and from-tag are made when they
  // are empty. Errors: those of offer().
  Result<CreateOutcome> publish(const Selector& who, const std::string& sdp, const Options& options,
                                Ways ways);
  // Our offer to a party that is made by this, or that stands. Call-id and from-tag are made when empty.
  Result<CreateOutcome> create(const Selector& who, const std::vector<WantedMedia>& media,
                               const Options& options);
  Result<std::vector<std::string>> create_answer(const Selector& who, const std::string& sdp,
                                                 const Options& options);
  // Streams without SDP: what comes to an address of ours is sent on to `destination` in another codec, from
  // the same address. Asked again for the same party, it replaces them. Errors: invalid (no media, no
  // destination, one of ours, one number twice), unsupported (codec), conflict (the from-tag is another
  // party's), exhausted.
  Result<TransformOutcome> transform(const Selector& who, const std::vector<TransformMedia>& media,
                                     const Options& options);
  // Joins from-tag's and to-tag's party as offer and answer would; to-tag may be of another call, which is
  // then merged into this one. Errors: not_found, invalid (the same party; nothing in common), conflict (tags
  // of two calls are the same).
  Result<std::vector<std::string>> connect(const Selector& who, const std::string& to_call_id);
  // The party of the to-tag hears the sources, beside whom it hears already; with Ways::both they hear it.
  Result<std::vector<std::string>> hear(const Selector& who, const std::string& to_call_id,
                                        const Sources& sources, Ways ways);
  Result<void> stop_hearing(const Selector& who, const std::string& source_call_id,
                            const std::string& source_tag);
  // Merges calls into the first one; each row's `from` is then heard by its `to`. `reset`: what the `from`
  // parties heard is over first.
  Result<std::vector<std::string>> mesh(const std::vector<std::string>& calls,
                                        const std::vector<MeshRow>& rows, bool reset, Ways ways);

  enum class Block : std::uint8_t { media, silence, digits };
  // Also those that were blocked by themselves.
  enum class Everybody : bool { no, yes };
  // Of one party (from-tag, label), or of the call. Errors: not_found.
  Result<void> block(const Selector& who, Block what, bool on, Everybody everybody = Everybody::no);
  // The same for keys, and what is heard in their place. Errors also: unsupported (tones in the audio would
  // have to be found, and cannot).
  Result<void> block_keys(const Selector& who, bool on, const KeyOrder& order,
                          Everybody everybody = Everybody::no);
  // To one party; `started`: the files' length, once through. Errors: not_found, invalid (no audio), the
  // engine's own.
  void play(const Selector& who, const PlayOrder& order, std::function<void(Result<milliseconds>)> started);
  // `stopped`: how far the files had come; none when nothing was played. Errors: not_found.
  void stop_play(const Selector& who, std::function<void(Result<std::optional<milliseconds>>)> stopped);
  // Keys as if this party had pressed them: the partner hears them.
  Result<void> play_digits(const Selector& who, const std::string& digits, Everybody all, milliseconds length,
                           milliseconds gap);
  // One stereo file a party's line that is joined: `path` without extension; "" makes one of the call's id
  // under `folder`. Errors: not_found, and the engine's.
  Result<std::vector<std::string>> record(const Selector& who, const std::string& path_stem);
  enum class RecordAct : std::uint8_t { stop, pause, resume };
  Result<void> control_recording(const Selector& who, RecordAct act);

  // What one party says, or each of them now and later, goes out as a stream of PCM of its own to the
  // configured consumer, after `metadata` (empty: that of the offer; else who speaks, as JSON) and a zero
  // byte. Asked again, what runs goes on. Errors: not_found, unsupported (nothing configured), conflict
  // (nothing can be heard), and the engine's.
  Result<void> forward(const Selector& who, bool on, const std::string& metadata);

  // Where recordings of record-call go: makes a path's stem for a call. Empty: record-call is refused.
  void set_recording_paths(std::function<Result<std::string>(const std::string& call_id)> make) {
    recording_path_ = std::move(make);
  }

  const AnchorCounters& counters() const { return counts_; }

  // ---- session::MediaListener; legs that are not ours are ignored
  void on_digit_received(const session::DigitEvent&) override;
  void on_digits_sent(session::MediaId) override {}
  void on_playback_finished(session::PlaybackId, session::MediaId, session::PlayEnd, milliseconds) override;
  void on_recording_finished(session::RecordingId, session::MediaId, session::RecordEnd, const std::string&,
                             milliseconds, const std::string&) override;
  void on_media_started(session::MediaId) override;
  void on_media_timed_out(session::MediaId) override;

 private:
  struct Side {  // what an SDP of a party comes to for one section
    media::LegConfig config;
    bool zero_address = false;
  };
  using SectionsOf = std::vector<std::pair<AskedSection, std::string>>;  // with its profile
  struct Owner {
    std::string call_id;
    Party* party = nullptr;
    std::size_t index = 0;
  };

  Call* find(const std::string& call_id);
  Result<Call*> demand(const std::string& call_id);
  Result<Party*> select(Call& call, const Selector& who, bool needed);
  Result<SdpOutcome> offer_in(Call& call, const Selector& who, const std::string& text,
                              const Options& options);
  Party& offerer_of(Call& call, const Selector& who);
  Party& answerer_of(Call& call, Party& offerer, const Selector& who);
  Exchange& exchange_of(Call& call, Party& offerer, Party& answerer);
  Result<Exchange*> answered_exchange(Call& call, const Selector& who);
  Result<OfferedSection> read_offered(const sdp::Description& sdp, std::size_t i,
                                      const Options& options) const;
  Result<Side> read_side(const sdp::Description& sdp, const sdp::Media& media, const Options& options,
                         Family family) const;
  Result<Line*> ensure_line(Call& call, Party& party, std::size_t i, Family family, session::MediaId near);
  Result<SectionEdit> edit_offer(Call& call, Exchange& exchange, std::size_t i, const sdp::Description& sdp,
                                 const Options& options, std::vector<std::string>& warnings);
  Result<SectionEdit> edit_answer(Call& call, Exchange& exchange, std::size_t i, const sdp::Description& sdp,
                                  const Options& options, std::vector<std::string>& warnings);
  bool offer_ice(Line& line, const PeerIce& offerer, const Options& options);
  bool answer_ice(Line& line, const PeerIce& theirs, const Options& options);
  void agree_ice(Line& line, const PeerIce& theirs, bool wanted);
  void tell_ice(Line& line);
  enum class OnePort : bool { no, yes };
  static std::vector<std::string> ice_text(const Line& line, const std::string& host, OnePort one_port);
  Result<void> agree(Call& call, Exchange& exchange, std::size_t i, const std::vector<Format>& answered,
                     const std::vector<Format>& told, media::LegConfig answerer, const Options& options,
                     std::vector<std::string>& warnings);
  Result<void> apply(const Party& party, Line& line);
  Result<void> apply_all(Call& call, const Party* only);
  void set_keys(Party& party, const KeyOrder& order, KeyMode mode);
  void set_keys(Party& party, const KeyOrder& order);
  void tell_later(Call& call, Party& party, const session::DigitEvent& digit);
  void watch_trigger(Call& call, Party& party, const session::DigitEvent& digit);
  void end_trigger(Call& call, Party& party);
  Result<void> join(Party& a, std::size_t i, Party& b, std::size_t k);
  Result<void> echo(Party& a, Party& b, std::size_t i, const Options& offer, const Options& answer);
  void part(Party& party);
  static void keep_formats(Line& line, const sdp::Media& media);
  Result<Call*> open_call(const std::string& call_id, bool& fresh);
  Party& made_party(Call& call, const std::string& tag, Role role);
  struct Entered {
    Call* call = nullptr;
    Party* party = nullptr;
    bool fresh = false, made = false;  // the call, the party: new with this message
  };
  Result<Entered> enter(const Selector& who, Role role, const Options& options, CreateOutcome& out);
  Error turn_back(const Entered& in, Error error);
  Result<std::vector<Party*>> choose_sources(Call& call, const Selector& who, const Sources& sources,
                                             std::vector<std::string>& warnings);
  Result<OwnSection> ask_section(Call& call, Party& party, std::size_t i, AskedSection asked,
                                 const std::string& proto, const Options& options,
                                 std::vector<std::string>& warnings);
  Result<std::vector<std::string>> take_answer(Call& call, Party& party, const std::string& text,
                                               const Options& options);
  Result<void> take_answered_section(Call& call, Party& party, std::size_t i, const sdp::Description& sdp,
                                     const Options& options, std::vector<std::string>& warnings);
  Result<OwnSection> publish_section(Call& call, Party& party, std::size_t i, const sdp::Description& sdp,
                                     const Options& options, std::vector<std::string>& warnings);
  Result<SectionsOf> sections_of(Call& call, Party& party, const std::vector<WantedMedia>& media,
                                 const Options& options);
  Result<void> add_output(const std::vector<TransformPair>& pairs, const TransformCodec& output,
                          media::LegConfig& config) const;
  Result<media::LegConfig> transform_config(const TransformMedia& media, const Options& options) const;
  Result<TransformedMedia> transform_section(Call& call, Party& party, std::size_t i,
                                             const TransformMedia& media, const Options& options);
  bool transforms_at(const Address& address) const;
  void choose_interface(Party& party, const Options& options, std::vector<std::string>& warnings) const;
  Result<void> add_flow(Call& call, const Flow& flow);
  Result<std::size_t> pair_flows(Call& call, Party& from, Party& to);
  void attach_flows(Call& call);
  void end_flows(Call& call, const std::function<bool(const Flow&)>& over);
  Result<Call*> merge(const std::vector<std::string>& call_ids);
  void watch(Call& call);
  void close_line(Party& party, std::size_t i);
  void close_call(const std::string& call_id, const char* why);
  void close_party(Call& call, Party* party);
  void report(Call& call, std::function<void(Result<CallReport>)> done,
              const std::function<bool(const Party&)>& wanted = {});
  Result<std::size_t> keep_forwarding(Call& call);
  void start_recording_if_asked(Call& call, std::vector<std::string>& warnings);
  void check_silence(const std::string& call_id);
  void tell(AnchorEvent event) const;

  // borrowed
  Timers& timers_;
  session::Media& media_;
  Codecs codecs_;
  // owned
  const AnchorsConfig config_;
  const Interfaces interfaces_;
  std::function<void(const AnchorEvent&)> on_event_;
  std::function<Result<std::string>(const std::string&)> recording_path_;
  const std::string loop_mark_;
  const td_codec* datagrams_;  // of streams that pass as they are
  std::unordered_map<std::string, std::unique_ptr<Call>> calls_;
  std::unordered_map<std::string, std::string> merged_;  // call-id to that of the call it is now
  std::unordered_map<session::MediaId, Owner> owners_;
  struct Stopping;
  std::multimap<session::PlaybackId, std::shared_ptr<Stopping>> stopping_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  // state
  AnchorCounters counts_;
};

}  // namespace tandem::anchor
