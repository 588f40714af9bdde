# What the project's own scripts look like, and that build.ps1 says and does what it should.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    $noAnalyzer = -not (Get-Module PSScriptAnalyzer -ListAvailable)
    $scripts = @(Get-ChildItem $RepositoryRoot -File | Where-Object Extension -In .ps1, .psd1) + @(Get-ChildItem $PSScriptRoot -File)
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    $scripts = @(Get-ChildItem $RepositoryRoot -File | Where-Object Extension -In .ps1, .psd1) + @(Get-ChildItem $PSScriptRoot -File)
}

Describe 'The script <_.Name>' -ForEach $scripts {
    It 'is clean to the analyzer' -Skip:$noAnalyzer {
        $found = Invoke-ScriptAnalyzer -Path $_.FullName -Settings (Join-Path $RepositoryRoot PSScriptAnalyzerSettings.psd1)
        $found | ForEach-Object { "$($_.ScriptName):$($_.Line) $($_.RuleName) $($_.Message)" } | Should -BeNullOrEmpty
    }

    It 'is of a size to be read' { @(Get-Content $_).Count | Should -BeLessOrEqual 400 }
}

Describe 'build.ps1' {
    BeforeAll { $build = Join-Path $RepositoryRoot build.ps1 }

    It 'has help with what every task does' {
        $help = Get-Help $build -Full
        $help.Synopsis | Should -Match 'Builds AzureIaaS'
        $tasks = (Get-Command $build).Parameters['Task'].Attributes.ValidValues
        $tasks | Should -Be 'Build', 'Demo', 'Test', 'Bench', 'Help', 'Package'
        $about = ($help.parameters.parameter | Where-Object name -EQ Task).description.Text
        foreach ($task in $tasks) { $about | Should -Match "(?m)^$task " }
    }

    It 'refuses what it does not know' { { & $build -Task Fly } | Should -Throw '*Task*' }

    It 'says how to get platyPS where it is missing' {
        $answer = & $PowerShellPath -NoProfile -NonInteractive -Command "function global:Get-Module { }; & '$build' -Task Help; `$LASTEXITCODE" 6>&1
        "$answer" | Should -Match 'Install-Module platyPS.* 12$'
    }

    It 'offers what build.sh offers' {
        $shell = Get-Content (Join-Path $RepositoryRoot build.sh) -Raw
        foreach ($project in 'tests/Demo', 'tests/Runner', 'tests/Benchmarks') {
            $shell | Should -Match "run $project"
            Get-Content $build -Raw | Should -Match "Invoke-Project $project"
        }
    }
}
