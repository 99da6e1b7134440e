# How sources are compiled: how much is optimised, what is compiled together, whose headers are read once.

# The control side is JSON and bookkeeping, a few thousand messages a second at most: it is compiled to be built
# soon. Where packets and samples pass, and where scripts run, the preset's own level holds.
set(TANDEM_CONTROL_SIDE call anchor api plugin app kamailio http store tts ng)
function(tandem_optimise target name)
  if(name IN_LIST TANDEM_CONTROL_SIDE OR name MATCHES "^(lua|load|loop|media|sdp|session)$")
    tandem_together(${target} 4)
  endif()
  if(name IN_LIST TANDEM_CONTROL_SIDE)
    target_compile_options(${target} PRIVATE ${TANDEM_SOON})
  elseif(name MATCHES "^(load|lua|sdp)$")
    target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-O0>)
  endif()
endfunction()

# Sources whose time goes into the headers of JSON and of GoogleTest are compiled four at a time, tests eight (the
# debug preset compiles each alone). Names in the unnamed namespaces of one folder must therefore differ.
function(tandem_together target size)
  if(TANDEM_TOGETHER)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${size})
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)  # all is "included" then
  endif()
endfunction()

# The headers of JSON and of GoogleTest take most of a source's time: they are read once for each way of compiling.
# What a source includes it still names: the debug preset and check-layers --headers compile without this.
function(tandem_headers_once kind)
  cmake_parse_arguments(P "PIC" "" "OPTIONS;LIBS;HEADERS" ${ARGN})
  if(NOT TANDEM_TOGETHER)
    return()
  endif()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/headers_${kind}.cpp CONTENT "// Nothing: its headers are precompiled.\n")
  add_library(tandem_headers_${kind} OBJECT ${CMAKE_BINARY_DIR}/headers_${kind}.cpp)
  set_target_properties(tandem_headers_${kind} PROPERTIES POSITION_INDEPENDENT_CODE ${P_PIC})
  target_compile_options(tandem_headers_${kind} PRIVATE ${P_OPTIONS})
  target_link_libraries(tandem_headers_${kind} PRIVATE tandem_flags ${P_LIBS})
  target_precompile_headers(tandem_headers_${kind} PRIVATE ${P_HEADERS})
endfunction()
function(tandem_use_headers target kind)
  if(TARGET tandem_headers_${kind})
    target_precompile_headers(${target} REUSE_FROM tandem_headers_${kind})
  endif()
endfunction()

# Only what has fuzz targets tells the fuzzer its way: that costs a quarter of its compilation.
set(TANDEM_COVERED $<$<BOOL:${TANDEM_FUZZ}>:-fsanitize=fuzzer-no-link>)
function(tandem_fuzzed target folder)
  if(EXISTS ${PROJECT_SOURCE_DIR}/tests/fuzz/${folder})
    target_compile_options(${target} PRIVATE ${TANDEM_COVERED})
  endif()
endfunction()

set(TANDEM_SOON $<IF:$<CONFIG:RelWithDebInfo>,-O1,-O0>)
set(TANDEM_TEST_SOON -O0 $<$<CONFIG:RelWithDebInfo>:-g0>)
set(often <algorithm> <functional> <map> <memory> <string> <unordered_map> <vector>)
tandem_headers_once(json OPTIONS ${TANDEM_SOON} ${TANDEM_COVERED} LIBS nlohmann_json::nlohmann_json
  HEADERS ${often} <nlohmann/json.hpp>)
tandem_headers_once(json_pic PIC OPTIONS ${TANDEM_SOON} ${TANDEM_COVERED} LIBS nlohmann_json::nlohmann_json
  HEADERS ${often} <nlohmann/json.hpp>)
if(TANDEM_TESTS)
  tandem_headers_once(test_json OPTIONS ${TANDEM_TEST_SOON} LIBS GTest::gmock nlohmann_json::nlohmann_json
    HEADERS ${often} <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp>)
  tandem_headers_once(test OPTIONS -O1 LIBS GTest::gmock HEADERS ${often} <gmock/gmock.h> <gtest/gtest.h>)
endif()
