# Strings, hashes, fibers, threads, a fork, and big numbers.
require "digest"
require "json"
require "stringio"
require "zlib"

chance = Random.new(7)
words = Array.new(20_000) { Array.new(chance.rand(1..30)) { (97 + chance.rand(8)).chr }.join }
count = words.tally.sort_by { |word, n| [-n, word] }
puts count.first(50).inspect
puts Digest::SHA256.hexdigest(words.group_by(&:size).sort.to_a.inspect)
puts Digest::SHA256.hexdigest(JSON.parse(JSON.generate(words.each_slice(3).to_a)).flatten.sort.join(","))
text = words.join(" ")
puts text.scan(/\b(a+)(\w*)e\b/).length, text.gsub(/[aeiou]/) { |c| c.upcase * 2 }.sum
puts Zlib::Inflate.inflate(Zlib::Deflate.deflate(text, 9)) == text
buffer = +""
20_000.times { |i| buffer << "row #{i};"; buffer.slice!(0, 3000) if buffer.size > 100_000 }
puts buffer.size, buffer.sum
puts (3**20_000).to_s.size, Marshal.load(Marshal.dump(count)) == count
results = Array.new(6) do |i|
  Thread.new do
    local = Random.new(i)
    held = {}
    10_000.times { held[local.rand(300)] = "x" * local.rand(3000) }
    held.sum { |key, value| key * value.size }
  end
end
puts results.map(&:value).inspect
fiber = Fiber.new { 1000.times { |i| Fiber.yield "f" * i } }
puts Array.new(1000) { fiber.resume.size }.sum
GC.start
GC.compact if GC.respond_to?(:compact)
reader, writer = IO.pipe
child = fork { reader.close; writer << words.sort.first(1000).join("\n"); writer.close; exit!(3) }
writer.close
puts Digest::MD5.hexdigest(reader.read), Process.wait2(child)[1].exitstatus
puts `echo through a shell | tr a-z A-Z`
