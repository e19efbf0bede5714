#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluicefs {

/// A decimal number, all of `text`; none when there is anything else or it does not fit.
std::optional<unsigned> parse_number(std::string_view text);

/// A time: "1.5" and "1.5s" are seconds; also us, ms, m and h. None when it is negative or not a number.
std::optional<std::chrono::duration<double>> parse_duration(std::string_view text);

/// Splits the list that follows -o at its commas; a backslash takes the next character as it is. Empty items
/// are left out.
std::vector<std::string> split_option_list(std::string_view list);

/// The candidate that `typed` was probably meant to be: few letters away, and nearer than any other kind of
/// word.
std::optional<std::string_view> nearest_name(std::string_view typed, std::span<const std::string_view> names);

}  // namespace sluicefs
