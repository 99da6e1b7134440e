// Cause: why a call ended, in the field's three spellings, from one table: Q.850 number ↔ name ↔ SIP code.
// Sources: ITU-T Q.850 (numbers), RFC 3398 §7.2.4.1 and §8.2.6.1 (SIP ↔ cause), FreeSWITCH's names.
// Thread: [any].
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem::call {

namespace cause {
constexpr int kUnallocated = 1, kNormal = 16, kUserBusy = 17, kNoUserResponse = 18, kNoAnswer = 19,
              kAbsent = 20, kRejected = 21, kInterworking = 127, kNoCircuit = 34, kNetworkFailure = 38,
              kTemporaryFailure = 41, kCongestion = 42, kFacilityNotImplemented = 69, kIncompatible = 88,
              kRecoveryOnTimer = 102, kAnsweredElsewhere = 26, kRedirection = 23, kInvalidNumber = 28,
              kMediaTimeout = 41;
}  // namespace cause

// "USER_BUSY" for 17; "CAUSE_99" for a number without a name.
std::string cause_name(int q850);
// 17 for "USER_BUSY" (any case) or "17"; nothing for an unknown name or a number outside 1…127.
std::optional<int> cause_number(std::string_view name_or_number);
// The SIP final response that carries a cause (RFC 3398 §8.2.6.1): 486 for 17; 480 when there is none of its
// own.
int cause_to_sip(int q850);
// The cause behind a SIP final response (RFC 3398 §7.2.4.1): 17 for 486; 31… is 127 (interworking) when
// unknown.
int sip_to_cause(int code);
// The reason phrase of a SIP code ("Busy Here"), "" when it has none here.
std::string_view sip_reason(int code);

}  // namespace tandem::call
