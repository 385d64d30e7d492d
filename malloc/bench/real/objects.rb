# Objects in Ruby: strings, arrays, hashes, structs, symbols.
#
# Stands for a web application's templates and records. Small objects live in Ruby's own heap; what is
# longer than 23 bytes, and every hash and array of some size, comes from malloc. Prints a checksum.
# Argument: percent of the work, 100 unless told.

Page = Struct.new(:title, :tags, :body, :links)

percent = (ARGV[0] || "100").to_i
state = 2463534242
random = lambda do |below| # xorshift32: Marsaglia, "Xorshift RNGs", 2003.
  state ^= state << 13 & 0xFFFFFFFF
  state ^= state >> 17
  state ^= state << 5 & 0xFFFFFFFF
  state % below
end
words = Array.new(3000) { |i| "word#{i}".ljust(4 + i % 40, "abcdefgh") }

pages = {}
checksum = 0
(percent * 110).times do |i|
  body = Array.new(20 + random.(60)) { words[random.(words.size)] }.join(" ")
  tags = Array.new(1 + random.(12)) { |t| "tag-#{random.(500)}-#{t}" }
  links = tags.to_h { |tag| [tag, body[random.(40), 60]] }
  pages["page-number-#{random.(1500)}-of-the-site"] = Page.new(body[0, 50], tags, body, links)

  html = +"<html>"
  links.each { |tag, text| html << "<a href='" << tag << "'>" << text << "</a>\n" }
  html << "<p>" << body.gsub("word", "<b>w</b>") << "</p></html>"
  counts = Hash.new(0)
  body.split(" ").each { |word| counts[word[0, 6]] += 1 }
  top = counts.sort_by { |word, count| [-count, word] }.first(5)
  checksum = (checksum * 31 + html.sum(32) + top.flatten.join(",").sum(32) + i) & 0xFFFFFFFFFFFF
end
checksum = pages.sort.reduce(checksum) { |sum, (name, page)| (sum * 31 + (name + page.body).sum(32)) & 0xFFFFFFFFFFFF }
puts format("checksum %012x", checksum)
