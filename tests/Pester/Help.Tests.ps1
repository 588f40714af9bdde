# What is written about the cmdlets is what they are: docs/cmdlets, the help that is built from it, and the parameters in the code.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    Import-Module $ModulePath
    $cmdlets = @(Get-Command -Module AzureIaaS)
    $noPlatyPS = -not (Get-Module platyPS -ListAvailable)
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Import-Module $ModulePath
    $docs = Join-Path $RepositoryRoot docs/cmdlets
    $common = [Management.Automation.PSCmdlet]::CommonParameters

    # The facts that a parameter's YAML block states, as a table, by the parameter's name.
    function Get-Documented {
        param([string]$Text)
        $found = @{}
        foreach ($block in ($Text -split '(?m)^## ')[1..99].Where{ $_ -like 'PARAMETERS*' } -split '(?m)^### -' | Select-Object -Skip 1) {
            $facts = @{ Text = ($block -split '```')[0] -replace '^\S+' }
            foreach ($line in ($block -split '```yaml')[1] -split "`n") { if ($line -match '^([\w ]+):\s*(.*)$') { $facts[$Matches[1]] = $Matches[2].Trim() } }
            $found[($block -split '\s')[0]] = $facts
        }
        $found
    }

    function Get-Pipeline {
        param($Set)
        $by = @(if ($Set.ValueFromPipelineByPropertyName) { 'ByPropertyName' }; if ($Set.ValueFromPipeline) { 'ByValue' })
        $by ? "True ($($by -join ', '))" : 'False'
    }
}

Describe 'The documentation of <_.Name>' -ForEach $cmdlets {
    BeforeAll {
        $command = $_
        $text = Get-Content (Join-Path $docs "$($_.Name).md") -Raw
        $sections = @{}
        foreach ($section in $text -split '(?m)^## ' | Select-Object -Skip 1) { $sections[($section -split "`n")[0].Trim()] = $section }
        $documented = Get-Documented $text
        $parameters = @($command.Parameters.Values | Where-Object Name -NotIn $common)
    }

    It 'has every section, and nothing left to fill in' {
        $sections.Keys | Sort-Object | Should -Be 'DESCRIPTION', 'EXAMPLES', 'INPUTS', 'NOTES', 'OUTPUTS', 'PARAMETERS', 'RELATED LINKS', 'SYNOPSIS', 'SYNTAX'
        $text | Should -Not -Match '\{\{'
        $text | Should -Match "(?m)^# $($command.Name)$"
    }

    It 'has the parameters of the code, no more and no fewer' {
        $documented.Keys | Sort-Object | Should -Be ($parameters.Name | Sort-Object)
    }

    It 'says of each parameter what is so' {
        foreach ($parameter in $parameters) {
            $facts = $documented[$parameter.Name]
            $set = @($parameter.ParameterSets.Values)[0]
            $sets = @($parameter.ParameterSets.Keys) -replace '__AllParameterSets', '(All)' | Sort-Object
            $facts['Parameter Sets'] -split ', ' | Sort-Object | Should -Be $sets -Because $parameter.Name
            $facts['Text'].Trim() | Should -Not -BeNullOrEmpty -Because $parameter.Name
            $facts['Aliases'] | Should -Be ($parameter.Aliases -join ', ') -Because $parameter.Name
            $facts['Required'] | Should -Be "$($set.IsMandatory)" -Because $parameter.Name
            $facts['Position'] | Should -Be ($set.Position -lt 0 ? 'Named' : "$($set.Position)") -Because $parameter.Name
            $facts['Accept pipeline input'] | Should -Be (Get-Pipeline $set) -Because $parameter.Name
            $wildcards = [bool]$parameter.Attributes.Where{ $_ -is [Management.Automation.SupportsWildcardsAttribute] }
            $facts['Accept wildcard characters'] | Should -Be "$wildcards" -Because $parameter.Name
            $type = [Nullable]::GetUnderlyingType($parameter.ParameterType) ?? $parameter.ParameterType
            $facts['Type'] | Should -Be $type.Name -Because $parameter.Name
            if ($type.IsEnum) { $facts['Accepted values'] | Should -Be ([enum]::GetNames($type) -join ', ') -Because $parameter.Name }
        }
    }

    It 'says a range and a default where there is one' {
        foreach ($parameter in $parameters) {
            $range = $parameter.Attributes.Where{ $_ -is [Management.Automation.ValidateRangeAttribute] }[0]
            if (-not $range) { continue }
            $documented[$parameter.Name]['Text'] | Should -Match "from $($range.MinRange)" -Because $parameter.Name
            if ($range.MaxRange -lt [int]::MaxValue) { $documented[$parameter.Name]['Text'] | Should -Match "to $($range.MaxRange)" -Because $parameter.Name }
            $value = $command.ImplementingType::new().($parameter.Name)
            if ($null -ne $value) { $documented[$parameter.Name]['Default value'] | Should -Be $value -Because $parameter.Name }
        }
    }

    It 'shows the syntax of the code' {
        foreach ($set in $command.ParameterSets) {
            (($sections['SYNTAX'] -replace '\s+', ' ').Contains("$($command.Name) $set")) | Should -BeTrue -Because "$set"
        }
    }

    It 'says what goes in and what comes out' {
        [regex]::Matches($sections['SYNTAX'], '(?m)^### (\S+)').ForEach{ $_.Groups[1].Value } | Sort-Object | Should -Be ($command.ParameterSets.Count -eq 1 ? @() : @($command.ParameterSets.Name | Sort-Object))
        foreach ($type in $command.OutputType.Name) { $sections['OUTPUTS'] | Should -Match ("(?m)^### " + ($type -eq 'System.Void' ? 'None' : [regex]::Escape($type))) }
        $takes = $parameters.Where{ $_.ParameterSets.Values.ValueFromPipeline -or $_.ParameterSets.Values.ValueFromPipelineByPropertyName }
        $sections['INPUTS'] -match '(?m)^### None' | Should -Be (-not $takes)
    }

    It 'has two examples or more, each with an intent and words of explanation' {
        $examples = $sections['EXAMPLES'] -split '(?m)^### ' | Select-Object -Skip 1
        $examples.Count | Should -BeGreaterOrEqual 2
        foreach ($example in $examples) { $example | Should -Match '(?s)^Example \d+: \w.*?\n\n```powershell\n.+?\n```\n\n\S' }
    }

    It 'links to pages that exist' {
        foreach ($link in [regex]::Matches($sections['RELATED LINKS'], '\]\((?!http)([^)]+)\)')) { Join-Path $docs $link.Groups[1].Value | Should -Exist }
        $sections['RELATED LINKS'] | Should -Match '\['
    }

    It 'is what Get-Help shows' {
        $help = Get-Help $command.Name -Full
        $help.Synopsis | Should -Be ($sections['SYNOPSIS'] -split "`n`n")[1].Trim()
        @($help.examples.example).Count | Should -Be ([regex]::Matches($sections['EXAMPLES'], '(?m)^### ').Count)
        foreach ($example in $help.examples.example) { $example.code | Should -Not -BeNullOrEmpty }
        @($help.parameters.parameter.name) | Sort-Object | Should -Be ($parameters.Name | Sort-Object)
        foreach ($parameter in $help.parameters.parameter) { "$($parameter.description.Text)" | Should -Not -BeNullOrEmpty -Because $parameter.name }
        @($help.syntax.syntaxItem).Count | Should -Be $command.ParameterSets.Count
    }
}

Describe 'The documentation' {
    It 'has no page of a cmdlet that does not exist' {
        (Get-ChildItem $docs -Filter *.md).BaseName | Sort-Object | Should -Be ((Get-Command -Module AzureIaaS).Name | Sort-Object)
    }

    It 'has been built into the help' -Skip:$noPlatyPS {
        $built = & $PowerShellPath -NoProfile -NonInteractive -Command "Import-Module platyPS; (New-ExternalHelp -Path '$docs' -OutputPath '$TestDrive' -Force).FullName"
        $lines = { param($path) (Get-Content $path -Raw) -replace '\r' }
        (& $lines $built) -eq (& $lines (Join-Path $RepositoryRoot en-US/AzureIaaS.dll-Help.xml)) | Should -BeTrue -Because './build.ps1 -Task Help must follow a change of docs/cmdlets'
    }

    It 'is found in whatever language the shell speaks' {
        Invoke-Shell "[cultureinfo]::CurrentUICulture = 'de-DE'; (Get-Help Start-IaaSVm).Synopsis; (Get-Help about_AzureIaaS).Contains('STATES')" | Should -Be (Get-Help Start-IaaSVm).Synopsis, 'True'
    }

    It 'tells of every state in the about topic' {
        $about = Get-Content (Join-Path $RepositoryRoot en-US/about_AzureIaaS.help.txt) -Raw
        foreach ($state in [enum]::GetNames([AzureIaaS.MachineState])) { $about | Should -Match "(?m)^    $state " }
        foreach ($line in $about -split "`n") { $line.Length | Should -BeLessThan 81 -Because $line }
    }

    It 'names no cmdlet and no parameter that does not exist' {
        $texts = @(Get-ChildItem $docs -Filter *.md) + (Get-Item (Join-Path $RepositoryRoot en-US/about_AzureIaaS.help.txt))
        foreach ($file in $texts) {
            foreach ($name in [regex]::Matches((Get-Content $file -Raw), '\b[A-Z][a-z]+-IaaS\w*').Value) { Get-Command $name -ErrorAction Ignore | Should -Not -BeNullOrEmpty -Because "$name in $($file.Name)" }
        }
    }
}
